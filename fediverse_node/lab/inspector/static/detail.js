// One exchange: why it was sent, what was made of it, what it led to, and what was on the wire.

import { byId, copy, el, isolated, refill, sign, toast } from "./dom.js";
import { activityOf, clock, day, duration, kindWord, partyOf, pathOf, relative, shortActor } from "./format.js";
import { facts, messageView, signatureView } from "./parts.js";
import { ResendDialog } from "./resend.js";

const SHOWN_STEPS = 8;
const TABS = [["story", "What happened"], ["request", "Request"], ["answer", "Answer"], ["signature", "Signature"]];

export class Detail {
  // `actions` has close(), move(steps), open(number), filter(changes), signers() and rowOf(number).
  constructor(store, actions) {
    this.store = store;
    this.actions = actions;
    this.panel = byId("detail");
    this.tab = "story";
    this.number = 0;
  }

  get isOpen() {
    return !this.panel.hidden;
  }

  hide() {
    this.panel.hidden = true;
    this.number = 0;
    document.body.classList.remove("with-detail");
  }

  // Opens an exchange, or draws it anew if it changed.
  async show(number, zero) {
    const isOther = this.number !== number;
    this.number = number;
    this.panel.hidden = false;
    document.body.classList.add("with-detail");
    let detail = null;
    let problem = "There is no exchange with this number here.";
    try {
      detail = await this.store.detail(number);
    } catch (error) {
      problem = error.message;
    }
    if (this.number !== number) return;
    const row = this.actions.rowOf(number);
    const focus = this.panel.contains(document.activeElement) ? document.activeElement.id || "panel" : "";
    const top = isOther ? 0 : (this.panel.querySelector(".sheet")?.scrollTop ?? 0);
    if (!detail || !row) refill(this.panel, this.titleLine(`#${number}`), el("div", { class: "sheet" }, el("p", {}, problem)));
    else refill(this.panel, this.header(row, detail, zero), this.tabs(detail), this.sheet(row, detail));
    const sheet = this.panel.querySelector(".sheet");
    if (sheet) sheet.scrollTop = top;
    if (focus) (focus !== "panel" && byId(focus) ? byId(focus) : this.panel).focus({ preventScroll: true });
  }

  focus() {
    this.panel.focus({ preventScroll: true });
  }

  titleLine(...title) {
    const button = (name, label, click) => el("button", { type: "button", class: "icon", id: `detail-${name}`, "aria-label": label, title: label, onclick: click }, sign(name));
    return el(
      "div",
      { class: "title" },
      el("h2", {}, title),
      button("up", "Exchange before ( k )", () => this.actions.move(-1)),
      button("down", "Next exchange ( j )", () => this.actions.move(1)),
      button("close", "Close ( Esc )", () => this.actions.close()),
    );
  }

  header(row, detail, zero) {
    const { exchange } = detail;
    const said = exchange.answer ? exchange.answer.start.replace(/^\S+\s+/, "") : kindWord(row.kind);
    const reason = row.kind === "refused" && row.status < 400 ? `${said}, then refused` : said;
    return el(
      "header",
      {},
      this.titleLine(`#${row.number} ${row.method} `, el("bdi", {}, activityOf(row) || pathOf(row.url ?? ""))),
      el("p", { class: "route" }, isolated(partyOf(row.from)), " → ", isolated(partyOf(row.to)), " ", el("span", { class: `badge ${row.kind}` }, sign(row.kind), reason)),
      el("p", { class: "soft" }, `${relative(row.at - zero)} · ${day(row.at)} ${clock(row.at)} UTC`, exchange.answer || exchange.failure ? ` · took ${duration(exchange.took_ms)}` : ""),
      exchange.fault ? el("p", { class: "line fault" }, sign("fault"), el("span", {}, "Fault by the lab: ", isolated(exchange.fault))) : null,
      exchange.failure ? el("p", { class: "line failed" }, sign("failed"), el("span", {}, isolated(exchange.failure))) : null,
      this.buttons(row, detail),
    );
  }

  buttons(row, detail) {
    const button = (label, click, more = {}) => el("button", { type: "button", onclick: click, ...more }, label);
    const { exchange, view } = detail;
    return el(
      "div",
      { class: "buttons" },
      button("Copy as curl", () => copy(view.curl, "curl command"), { id: "copy-curl" }),
      button("Copy as JSON", () => copy(JSON.stringify(exchange, null, 2), "Exchange"), { id: "copy-json" }),
      button("Copy link", () => copy(location.href, "Link"), { id: "copy-link" }),
      this.store.maySend ? button("Re-send", () => this.send({ number: row.number }), { id: "resend" }) : null,
      this.store.maySend ? button("Edit and re-send", () => this.edit(detail), { id: "edit" }) : null,
    );
  }

  async send(message) {
    try {
      const { number } = await this.store.send(message);
      toast(`Sent as #${number}.`);
      this.actions.open(number);
      return "";
    } catch (error) {
      toast(error.message);
      return error.message;
    }
  }

  edit(detail) {
    new ResendDialog(detail.exchange, this.actions.signers(), (message) => this.send(message)).open();
  }

  tabs(detail) {
    const count = detail.view.claims?.length ?? 0;
    const tabs = TABS.map(([name, label]) => {
      const isChosen = name === this.tab;
      const text = name === "signature" && count > 1 ? `${label} (${count})` : label;
      return el("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": "sheet", "aria-selected": String(isChosen), tabindex: isChosen ? "0" : "-1", onclick: () => this.choose(name, detail) }, text);
    });
    const list = el("div", { class: "tabs", role: "tablist", "aria-label": "Parts of the exchange" }, tabs);
    list.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const here = TABS.findIndex(([name]) => name === this.tab);
      this.choose(TABS[(here + step + TABS.length) % TABS.length][0], detail);
      event.preventDefault();
      event.stopPropagation();
    });
    return list;
  }

  choose(name, detail = this.last) {
    this.tab = name;
    for (const tab of this.panel.querySelectorAll("[role=tab]")) {
      const isChosen = tab.id === `tab-${name}`;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      if (isChosen && this.panel.contains(document.activeElement)) tab.focus();
    }
    this.panel.querySelector(".sheet").replaceWith(this.sheet(this.actions.rowOf(this.number), detail));
  }

  chooseNth(position) {
    if (this.isOpen && this.panel.querySelector("[role=tab]")) this.choose(TABS[position][0]);
  }

  sheet(row, detail) {
    this.last = detail;
    const { exchange, view } = detail;
    const content = {
      story: () => this.story(row, exchange),
      request: () => messageView(exchange.request, view.request),
      answer: () => (exchange.answer ? messageView(exchange.answer, view.answer) : el("p", { class: "soft" }, exchange.failure || "There is no answer yet.")),
      signature: () => signatureView(view, this.actions.open),
    }[this.tab]();
    return el("div", { class: "sheet", id: "sheet", role: "tabpanel", "aria-labelledby": `tab-${this.tab}`, tabindex: "-1" }, content);
  }

  story(row, exchange) {
    const receiver = partyOf(exchange.receiver);
    return [
      el("section", {}, el("h3", {}, "Why it was sent"), row.cause ? this.links([row.cause]) : el("p", { class: "soft" }, "Nothing before it led to it: somebody or something outside began it.")),
      el("section", {}, el("h3", {}, `Step by step at `, isolated(receiver)), this.steps(exchange)),
      el("section", {}, el("h3", {}, "What its database did"), exchange.effects.length ? el("ul", { class: "effects" }, exchange.effects.map((effect) => el("li", {}, isolated(effect)))) : el("p", { class: "soft" }, "Nothing was stored, or it was not told.")),
      el("section", {}, el("h3", {}, "Sent because of it"), exchange.sent.length ? this.links(exchange.sent) : el("p", { class: "soft" }, "Nothing.")),
      this.names(row),
    ];
  }

  steps(exchange) {
    if (!exchange.steps.length) return el("p", { class: "soft" }, "It did not tell its steps. Nodes of the lab tell them for what arrives at an inbox; strangers do not.");
    const list = exchange.steps.map((step) => {
      const pairs = Object.entries(step.detail);
      const name = [el("code", {}, step.name), el("span", { class: "offscreen" }, step.passed ? " passed" : " not passed")];
      if (!step.passed) {
        const said = step.sentence ? el("p", {}, isolated(step.sentence)) : null;
        return el("li", { class: "refused" }, sign("refused"), el("div", {}, name, said, pairs.length ? facts(pairs) : null));
      }
      const brief = el("span", { class: "brief" }, isolated(pairs.map(([key, value]) => `${key} ${value}`).join(" · ").slice(0, 200)));
      const more = pairs.length ? el("details", {}, el("summary", {}, name, " ", brief), facts(pairs)) : el("div", {}, name);
      return el("li", { class: "ok" }, sign("ok"), el("div", {}, more));
    });
    const steps = el("ol", { class: "steps" }, list);
    // Where nothing went wrong, what came of it is sooner looked for than each step.
    const isPlain = exchange.steps.length > SHOWN_STEPS && exchange.steps.every((step) => step.passed);
    return isPlain ? el("details", { class: "all-steps" }, el("summary", {}, `All ${exchange.steps.length} steps were passed`), steps) : steps;
  }

  links(numbers) {
    const link = (number) => {
      const row = this.actions.rowOf(number);
      if (!row) return el("li", {}, `#${number}`);
      const text = [`#${number} `, isolated(partyOf(row.from)), " → ", isolated(partyOf(row.to)), " ", row.method, " ", isolated(activityOf(row) || pathOf(row.url ?? "")), " ", el("span", { class: "status" }, sign(row.kind), row.status || kindWord(row.kind))];
      return el("li", { class: row.kind }, el("button", { type: "button", class: "link", onclick: () => this.actions.open(number) }, text));
    };
    return el("ul", { class: "links" }, numbers.map(link));
  }

  names(row) {
    const only = (label, changes) => el("button", { type: "button", class: "small", onclick: () => this.actions.filter(changes) }, label);
    const named = (value) => (value ? el("span", { class: "named" }, isolated(value), only("Only this", { about: value })) : "");
    return el(
      "section",
      {},
      el("h3", {}, "What it is about"),
      facts([
        ["URL", row.url ?? ""],
        ["Activity", row.type ? el("span", { class: "named" }, isolated(activityOf(row)), only("Only these", { type: row.type })) : ""],
        ["Id", named(row.id)],
        ["Actor", row.actor ? el("span", { class: "named" }, isolated(row.actor), only(`Only ${shortActor(row.actor)}`, { actor: row.actor })) : ""],
        ["Object", named(row.object)],
        ["In reply to", named(row.reply)],
        ["Thread", named(row.thread)],
      ]),
      row.id || row.object ? el("p", {}, el("button", { type: "button", id: "only-thread", onclick: () => this.actions.filter({ thread: row.number }) }, "Only this conversation")) : null,
    );
  }
}
