// Which rows are shown, and in which order. The choice stands in the address, so that it can be handed on.

import { byId, el, refill, sign } from "./dom.js";
import { kindWord, partyOf, shortActor } from "./format.js";

export const KINDS = ["ok", "refused", "failed", "waiting", "fault"];
const CHOICES = ["q", "node", "actor", "type", "about", "thread", "kinds", "order", "clock", "exchange"];

// "#exchange=12&node=beta.test"
export function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const choice = Object.fromEntries(CHOICES.map((key) => [key, given.get(key) ?? ""]));
  choice.kinds = new Set(choice.kinds.split(",").filter((kind) => KINDS.includes(kind)));
  choice.exchange = /^\d{1,9}$/.test(choice.exchange) ? Number(choice.exchange) : 0;
  choice.thread = /^\d{1,9}$/.test(choice.thread) ? Number(choice.thread) : 0;
  return choice;
}

export function addressOf(choice) {
  const given = new URLSearchParams();
  for (const key of CHOICES) {
    const value = key === "kinds" ? [...choice.kinds].join(",") : choice[key];
    if (value) given.set(key, String(value));
  }
  return `#${given}`;
}

export function isFiltered(choice) {
  return Boolean(choice.q || choice.node || choice.actor || choice.type || choice.about || choice.thread || choice.kinds.size);
}

export const clearFilters = (choice) =>
  Object.assign(choice, { q: "", node: "", actor: "", type: "", about: "", thread: 0, kinds: new Set() });

// Everything that speaks of the same things as this exchange: posts, what they answer, their likes and edits.
export function threadOf(rows, number) {
  // Whom a row is about joins nothing: a person follows and is followed in many conversations.
  const people = new Set(rows.map((row) => row.actor).filter(Boolean));
  const names = (row) => [row.id, row.object, row.reply, row.thread].filter((name) => name && !people.has(name));
  const members = new Map();
  for (const row of rows) {
    for (const name of names(row)) {
      if (!members.has(name)) members.set(name, []);
      members.get(name).push(row);
    }
  }
  const found = new Set([number]);
  const waiting = rows.filter((row) => row.number === number);
  while (waiting.length) {
    for (const name of names(waiting.pop())) {
      for (const row of members.get(name) ?? []) {
        if (!found.has(row.number)) {
          found.add(row.number);
          waiting.push(row);
        }
      }
      members.delete(name);
    }
  }
  return found;
}

// The rows to show. `matches` are the numbers a text search found, or null without one.
export function chosenRows(rows, choice, matches) {
  const thread = choice.thread ? threadOf(rows, choice.thread) : null;
  const kinds = [...choice.kinds].filter((kind) => kind !== "fault");
  const shown = rows.filter(
    (row) =>
      (!matches || matches.has(row.number)) &&
      (!choice.node || row.from === choice.node || row.to === choice.node || row.from?.endsWith(`@${choice.node}`)) &&
      (!choice.actor || row.actor === choice.actor || row.object === choice.actor) &&
      (!choice.type || row.type === choice.type) &&
      (!choice.about || [row.id, row.object, row.reply, row.thread, row.url].includes(choice.about)) &&
      (!thread || thread.has(row.number)) &&
      (!kinds.length || kinds.includes(row.kind)) &&
      (!choice.kinds.has("fault") || Boolean(row.fault)),
  );
  return choice.order === "cause" ? byCause(shown) : shown;
}

// Each exchange right after the one that led to it, instead of in the order of time.
function byCause(rows) {
  const present = new Set(rows.map((row) => row.number));
  const children = new Map();
  const stack = [];
  for (const row of rows) {
    if (present.has(row.cause)) {
      if (!children.has(row.cause)) children.set(row.cause, []);
      children.get(row.cause).push(row);
    } else stack.push(row);
  }
  stack.reverse();
  const ordered = [];
  while (stack.length) {
    const row = stack.pop();
    ordered.push(row);
    stack.push(...(children.get(row.number) ?? []).reverse());
    children.delete(row.number);
  }
  return ordered;
}

function choices(rows, key) {
  const counts = new Map();
  for (const row of rows) if (row[key]) counts.set(row[key], (counts.get(row[key]) ?? 0) + 1);
  return counts;
}

export class FilterBar {
  // `change()` is called when a choice was made here.
  constructor(choice, change) {
    this.choice = choice;
    this.change = change;
    this.search = el("input", {
      type: "search", id: "search", placeholder: "Search everything, bodies too", "aria-label": "Search everything, bodies too",
      title: "All words have to be found; “quotes” keep words together ( / )", autocomplete: "off", spellcheck: "false",
      enterkeyhint: "search",
    });
    let timer = 0;
    this.search.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.set("q", this.search.value.trim()), 150);
    });
    this.selects = {
      node: this.select("node", "Node"),
      actor: this.select("actor", "Actor"),
      type: this.select("type", "Activity"),
      order: this.select("order", "Order"),
      clock: this.select("clock", "Clock"),
    };
    this.more = el("div", { class: "more", id: "more" }, Object.values(this.selects).map((select) => select.parentElement));
    this.toggle = el("button", { type: "button", class: "toggle", "aria-expanded": "false", "aria-controls": "more", onclick: () => this.unfold() }, "Filters");
    this.kinds = el("div", { class: "kinds", role: "group", "aria-label": "Only these" });
    this.chips = el("div", { class: "chips" });
    refill(byId("filters"), el("div", { class: "fields" }, el("div", { class: "line" }, this.search, this.toggle), this.more), el("div", { class: "bar-of-kinds" }, this.kinds, this.chips));
  }

  select(key, label) {
    const select = el("select", { id: `filter-${key}`, onchange: () => this.set(key, select.value) });
    el("label", { class: "choice" }, el("span", { class: "offscreen" }, label), select);
    return select;
  }

  set(key, value) {
    this.choice[key] = value;
    this.change();
  }

  unfold() {
    const isOpen = this.more.classList.toggle("open");
    this.toggle.setAttribute("aria-expanded", String(isOpen));
  }

  toggleKind(...kinds) {
    const all = kinds.every((kind) => this.choice.kinds.has(kind));
    for (const kind of kinds) {
      if (all) this.choice.kinds.delete(kind);
      else this.choice.kinds.add(kind);
    }
    this.change();
  }

  // What can be chosen, and what is. `lanes` are the names of the columns.
  show(rows, lanes) {
    const { choice } = this;
    if (document.activeElement !== this.search) this.search.value = choice.q;
    const actors = [...choices(rows, "actor").keys()].map((uri) => [uri, shortActor(uri)]).sort((a, b) => a[1].localeCompare(b[1]));
    const types = [...choices(rows, "type")].sort((a, b) => b[1] - a[1]).map(([type, count]) => [type, `${type} (${count})`]);
    this.options("node", [["", "All nodes"], ...lanes.map((name) => [name, partyOf(name)])]);
    this.options("actor", [["", "All actors"], ...actors]);
    this.options("type", [["", "All activities"], ...types]);
    this.options("order", [["", "By time"], ["cause", "By cause"]]);
    this.options("clock", [["", "Relative time"], ["world", "World’s clock"]]);
    this.showKinds(rows);
    this.showChips();
  }

  options(key, pairs) {
    const select = this.selects[key];
    const wanted = this.choice[key];
    if (wanted && !pairs.some(([value]) => value === wanted)) pairs.push([wanted, wanted]);
    const mark = JSON.stringify(pairs);
    if (select.dataset.mark !== mark) {
      // Not while it is open under somebody's finger: the same options again would close it.
      select.dataset.mark = mark;
      refill(select, pairs.map(([value, label]) => el("option", { value }, label)));
    }
    select.value = wanted;
    select.parentElement.classList.toggle("chosen", Boolean(wanted));
  }

  showKinds(rows) {
    const counts = { ok: 0, refused: 0, failed: 0, waiting: 0, fault: 0 };
    for (const row of rows) {
      counts[row.kind] += 1;
      if (row.fault) counts.fault += 1;
    }
    const { kinds } = this.choice;
    const failures = kinds.has("refused") && kinds.has("failed") && kinds.size === 2;
    const button = (pressed, click, title, ...content) =>
      el("button", { type: "button", "aria-pressed": String(pressed), onclick: click, title }, content);
    const focused = [...this.kinds.children].indexOf(document.activeElement);
    refill(
      this.kinds,
      button(failures, () => this.onlyFailures(), "Refused and failed ( f )", "Only failures"),
      KINDS.map((kind) => {
        const label = kind === "fault" ? "with a fault" : kindWord(kind);
        const made = button(kinds.has(kind), () => this.toggleKind(kind), `Only: ${label}`, sign(kind), `${counts[kind]} ${label}`);
        made.className = `kind ${kind}`;
        return made;
      }),
    );
    if (focused >= 0) this.kinds.children[focused]?.focus();
  }

  onlyFailures() {
    const { kinds } = this.choice;
    const isOn = kinds.has("refused") && kinds.has("failed") && kinds.size === 2;
    this.choice.kinds = new Set(isOn ? [] : ["refused", "failed"]);
    this.change();
  }

  showChips() {
    const { choice } = this;
    const chip = (key, empty, label) =>
      el("button", { type: "button", class: "chip", onclick: () => this.set(key, empty) }, label, sign("close"), el("span", { class: "offscreen" }, " – remove this filter"));
    refill(
      this.chips,
      choice.thread ? chip("thread", 0, `Conversation of #${choice.thread}`) : null,
      choice.about ? chip("about", "", el("bdi", {}, `About ${choice.about}`)) : null,
      isFiltered(choice) ? el("button", { type: "button", class: "chip", onclick: () => { clearFilters(choice); this.search.value = ""; this.change(); } }, "Show all") : null,
    );
  }
}
