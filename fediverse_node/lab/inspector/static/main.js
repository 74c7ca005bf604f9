// The page as a whole: what is chosen, what is shown, keys, and news from the world.

import { Detail } from "./detail.js";
import { Diagram, lanesOf } from "./diagram.js";
import { byId, refill, toast } from "./dom.js";
import { FilterBar, addressOf, chosenRows, isFiltered, readAddress } from "./filters.js";
import { counted } from "./format.js";
import { showExport, showHelp, showNodes, unfoldNodes } from "./panels.js";
import { openStore } from "./store.js";

const NOTHING_YET = "Nothing has been sent yet. Sign in as somebody and follow or mention somebody on another node: what the nodes then say to each other appears here.";

class Page {
  constructor() {
    this.store = openStore();
    this.choice = readAddress();
    this.rows = [];
    this.byNumber = new Map();
    this.nodes = [];
    this.matches = null;
    this.searches = 0;
    this.diagram = new Diagram((number) => this.open(number));
    this.bar = new FilterBar(this.choice, () => this.changed());
    this.detail = new Detail(this.store, {
      close: () => this.close(),
      move: (steps) => this.open(this.diagram.neighbour(steps), { replace: true }),
      open: (number) => this.open(number),
      filter: (changes) => this.changed(changes),
      signers: () => this.nodes.flatMap((node) => node.people).filter((person) => person.may_sign).map((person) => person.actor),
      rowOf: (number) => this.byNumber.get(number),
    });
  }

  async start() {
    try {
      await this.load();
    } catch (error) {
      refill(byId("empty"), `The exchanges cannot be read: ${error.message}`);
      byId("empty").hidden = false;
      return;
    }
    this.listen();
    if (this.store.isLive) this.follow();
    if (this.store.isLive && !this.rows.length) unfoldNodes(true);
    document.documentElement.dataset.ready = "true";
  }

  async load() {
    const { about, nodes, rows } = await this.store.start();
    Object.assign(this, { rows, nodes, about, byNumber: new Map(rows.map((row) => [row.number, row])) });
    showNodes(nodes, about);
    await this.search();
    this.show();
    if (this.choice.exchange) {
      this.diagram.activate(this.choice.exchange);
      await this.detail.show(this.choice.exchange, this.zero);
    }
  }

  get zero() {
    return this.rows[0]?.at ?? 0;
  }

  follow() {
    this.state(true);
    this.store.follow({
      rows: (rows) => this.news(rows),
      state: (isConnected) => this.state(isConnected),
      restart: async () => {
        toast("The lab was started anew.");
        location.reload();
      },
    });
  }

  state(isConnected) {
    byId("state").textContent = isConnected ? "Live" : "Connection lost. Trying again …";
    byId("state").classList.toggle("lost", !isConnected);
  }

  async news(rows) {
    const before = this.rows.length;
    for (const row of rows) this.byNumber.set(row.number, row);
    this.rows = [...this.byNumber.values()].sort((a, b) => a.number - b.number);
    if (before === 0 && this.rows.length) this.nodes = await this.store.nodes();
    // What is found changes with what there is, but not for each line of it.
    clearTimeout(this.searchAgain);
    if (this.choice.q) this.searchAgain = setTimeout(() => this.search().then(() => this.show()), 600);
    const shownBefore = this.diagram.rows.length;
    const wasAtEnd = this.show();
    const added = this.diagram.rows.length - shownBefore;
    if (wasAtEnd && !this.detail.isOpen) this.diagram.toEnd();
    else if (added > 0 && !wasAtEnd) this.offerNewer(added);
    if (this.detail.isOpen && rows.some((row) => row.number === this.detail.number)) this.detail.show(this.detail.number, this.zero);
  }

  offerNewer(added) {
    this.newer = (this.newer ?? 0) + added;
    byId("newer").textContent = `${this.newer} newer ↓`;
    byId("newer").hidden = false;
  }

  forgetNewer() {
    this.newer = 0;
    byId("newer").hidden = true;
  }

  // Draws everything anew; tells whether the list stood at its end before.
  show() {
    const shown = chosenRows(this.rows, this.choice, this.matches);
    this.bar.show(this.rows, lanesOf(this.rows, this.nodes, Infinity).lanes.filter((lane) => !lane.isPeople && lane.name).map((lane) => lane.name));
    byId("empty").hidden = shown.length > 0;
    if (!shown.length) this.explainEmpty();
    byId("scroll").hidden = !shown.length;
    byId("lanes").hidden = !this.rows.length;
    const wasAtEnd = this.diagram.show(this.rows, this.byNumber, shown, this.nodes, this.choice);
    byId("list").setAttribute("aria-label", this.choice.order === "cause" ? "Exchanges, each after its cause" : "Exchanges in order of time");
    this.count(shown.length);
    return wasAtEnd;
  }

  count(shown) {
    const all = counted(this.rows.length, "exchange");
    byId("counts").textContent = isFiltered(this.choice) ? `${shown.toLocaleString("en")} of ${all}` : all;
    if (this.isSearching) byId("counts").textContent += " · searching …";
  }

  explainEmpty() {
    const text = this.rows.length ? (this.isSearching ? "Searching …" : "No exchange fits all of this. Take a filter away, or search for less.") : this.store.isLive ? NOTHING_YET : "Nothing was sent in this run.";
    refill(byId("empty"), text);
  }

  // Something was chosen: filters, order, clock.
  async changed(changes = {}) {
    const query = this.query;
    Object.assign(this.choice, changes);
    this.keep(true);
    this.forgetNewer();
    if (this.choice.q !== query) await this.search();
    this.show();
    if (this.choice.exchange) this.diagram.activate(this.choice.exchange);
    if (changes.thread || changes.about || changes.actor || changes.type) toast(byId("counts").textContent);
  }

  async search() {
    const query = this.choice.q;
    this.query = query;
    this.searches += 1;
    const mine = this.searches;
    if (!query) {
      this.matches = null;
      this.isSearching = false;
      return;
    }
    this.isSearching = true;
    try {
      await this.store.search(query, (found, isDone) => {
        this.matches = new Set(found);
        this.isSearching = !isDone;
        if (this.diagram.lanes && !isDone) this.show();
      }, () => mine === this.searches);
    } catch (error) {
      this.isSearching = false;
      toast(`The search did not work: ${error.message}`);
    }
  }

  keep(isReplaced) {
    const address = addressOf(this.choice);
    if (address === (location.hash || "#")) return;
    if (isReplaced) history.replaceState(null, "", address);
    else history.pushState(null, "", address);
  }

  open(number, { replace = this.detail.isOpen } = {}) {
    if (!number) return;
    this.choice.exchange = number;
    this.keep(replace);
    this.diagram.activate(number);
    this.detail.show(number, this.zero);
  }

  close() {
    this.detail.hide();
    this.choice.exchange = 0;
    this.keep(false);
    byId("list").focus({ preventScroll: true });
  }

  // The address was changed: back, forward, or by hand.
  async moved() {
    const query = this.choice.q;
    Object.assign(this.choice, readAddress());
    if (this.choice.q !== query) await this.search();
    this.show();
    this.diagram.activate(this.choice.exchange || this.diagram.active);
    if (this.choice.exchange) this.detail.show(this.choice.exchange, this.zero);
    else this.detail.hide();
  }

  listen() {
    window.addEventListener("popstate", () => this.moved());
    document.addEventListener("keydown", (event) => this.key(event));
    byId("show-nodes").addEventListener("click", () => unfoldNodes());
    byId("show-export").addEventListener("click", () => showExport(this.store));
    byId("show-help").addEventListener("click", showHelp);
    byId("skip").addEventListener("click", () => byId("list").focus());
    byId("newer").addEventListener("click", () => {
      this.diagram.toEnd();
      this.forgetNewer();
    });
    byId("scroll").addEventListener("scroll", () => {
      if (this.newer && this.diagram.isAtEnd()) this.forgetNewer();
    });
    byId("list").addEventListener("focus", () => {
      if (!this.diagram.active && this.diagram.rows.length) this.diagram.activate(this.diagram.neighbour(1), { reveal: false });
    });
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const isWriting = event.target.matches("input, textarea, select");
    if (event.key === "Escape") return this.escape(event, isWriting);
    if (isWriting) {
      if (event.target.id === "search" && (event.key === "Enter" || event.key === "ArrowDown")) this.toList(event);
      return;
    }
    const action = this.actionOf(event);
    if (!action) return;
    event.preventDefault();
    action();
  }

  actionOf(event) {
    const { key } = event;
    const isInList = event.target.id === "list" || event.target === document.body;
    const move = { j: 1, k: -1, ...(isInList && { ArrowDown: 1, ArrowUp: -1, PageDown: this.diagram.page, PageUp: -this.diagram.page, Home: -Infinity, End: Infinity }) }[key];
    if (move) return () => this.step(move);
    if (key === "Enter" && isInList) return () => this.enter();
    if (/^[1-4]$/.test(key) && this.detail.isOpen) return () => this.detail.chooseNth(Number(key) - 1);
    return {
      "/": () => {
        byId("search").focus();
        byId("search").select();
      },
      f: () => this.bar.onlyFailures(),
      c: () => this.changed({ order: this.choice.order ? "" : "cause" }),
      "?": showHelp,
    }[key];
  }

  step(steps) {
    const number = this.diagram.neighbour(steps);
    if (!number) return;
    if (this.detail.isOpen) this.open(number, { replace: true });
    else {
      this.diagram.activate(number);
      byId("list").focus({ preventScroll: true });
    }
  }

  enter() {
    if (!this.diagram.active) return;
    this.open(this.diagram.active);
    this.detail.focus();
  }

  escape(event, isWriting) {
    if (isWriting && event.target.id === "search") {
      if (event.target.value) {
        event.target.value = "";
        this.changed({ q: "" });
      }
      this.toList(event);
    } else if (this.detail.isOpen) this.close();
  }

  toList(event) {
    event.preventDefault();
    byId("list").focus();
  }
}

new Page().start();
