// The sequence diagram: a column for each node, a row for each exchange, arrows between them. Only what is in view exists.

import { byId, el, refill, sign, svg } from "./dom.js";
import { activityOf, clock, compact, counted, day, duration, kindWord, partyOf, pathOf, relative } from "./format.js";

const ROW = 46;
const ARROW_Y = 33;
const OVERSCAN = 8;
const LONG_PAUSE_MS = 60000;
const PEOPLE = "\u0000people";
const OTHERS = "\u0000others";
const ROOM_FOR_A_PERSON = 96;
const LEAST_LANE = 26;
const MOST_LANE = 260;

const isPerson = (name) => name.includes("@");

// The columns: nodes, other hosts, and people beside their node; folded together where there is no room.
export function lanesOf(rows, nodes, width) {
  const seen = new Map(nodes.map((node) => [node.name, 0]));
  for (const row of rows) for (const name of [row.from ?? "", row.to ?? ""]) seen.set(name, (seen.get(name) ?? 0) + 1);
  const people = [...seen.keys()].filter(isPerson);
  const hosts = [...seen.keys()].filter((name) => !isPerson(name) && name);
  const lanes = [];
  const laneOf = new Map();
  const foldsPeople = people.length > 0 && seen.size * ROOM_FOR_A_PERSON > width;
  if (foldsPeople) {
    lanes.push({ name: PEOPLE, label: people.length === 1 ? people[0] : "People", isPeople: true });
    for (const name of people) laneOf.set(name, 0);
  }
  const most = Math.max(3, Math.floor(width / LEAST_LANE) - lanes.length - 1);
  const known = new Set(nodes.map((node) => node.name));
  const kept = new Set(hosts.length <= most ? hosts : [...hosts].sort((a, b) => known.has(b) - known.has(a) || seen.get(b) - seen.get(a)).slice(0, most - 1));
  const add = (name, more = {}) => {
    laneOf.set(name, lanes.length);
    lanes.push({ name, label: name, ...more });
  };
  for (const host of hosts.filter((name) => kept.has(name))) {
    if (!foldsPeople) for (const person of people.filter((name) => name.endsWith(`@${host}`))) add(person, { isPeople: true });
    add(host, { isStranger: nodes.length > 0 && !known.has(host) });
  }
  if (!foldsPeople) for (const person of people.filter((name) => !laneOf.has(name))) add(person, { isPeople: true });
  const folded = hosts.filter((name) => !kept.has(name));
  if (folded.length) {
    add(OTHERS, { label: counted(folded.length, "other host"), isStranger: true });
    for (const name of folded) laneOf.set(name, laneOf.get(OTHERS));
  }
  if (seen.has("")) add("", { label: "unnamed", isStranger: true });
  return { lanes, laneOf };
}

export function describe(row) {
  const parts = [
    `${row.number}: ${partyOf(row.from)} to ${partyOf(row.to)}`,
    `${row.method} ${activityOf(row) || pathOf(row.url ?? "")}`,
    row.status ? `${row.status}, ${kindWord(row.kind)}` : kindWord(row.kind),
  ];
  if (row.fault) parts.push(`fault: ${row.fault}`);
  if (row.why) parts.push(row.why);
  if (row.cause) parts.push(`because of ${row.cause}`);
  return parts.join(", ");
}

export class Diagram {
  // `choose(number)` is called when a row is clicked.
  constructor(choose) {
    this.list = byId("list");
    this.scroll = byId("scroll");
    this.head = byId("lanes");
    this.rows = [];
    this.positions = new Map();
    this.drawn = new Map();
    this.kin = new Set();
    this.active = 0;
    this.lifelines = el("div", { class: "lifelines", "aria-hidden": "true" });
    this.bars = el("div", { class: "bars", "aria-hidden": "true" });
    refill(this.list, this.lifelines, this.bars);
    this.list.addEventListener("click", (event) => {
      const row = event.target.closest(".row");
      if (row) choose(Number(row.dataset.number));
    });
    let isAsked = false;
    const later = () => {
      if (isAsked) return;
      isAsked = true;
      requestAnimationFrame(() => {
        isAsked = false;
        this.draw();
      });
    };
    this.scroll.addEventListener("scroll", later, { passive: true });
    new ResizeObserver(() => this.layOut()).observe(this.scroll);
  }

  // All rows of the world, also by number; those to show in their order, the nodes, and how time is written.
  show(all, byNumber, rows, nodes, choice) {
    const isElse = this.order !== choice.order || this.clock !== choice.clock;
    const wasAtEnd = this.isAtEnd();
    Object.assign(this, { all, byNumber, rows, nodes, order: choice.order, clock: choice.clock, zero: all[0]?.at ?? 0 });
    this.positions = new Map(rows.map((row, position) => [row.number, position]));
    this.findBars();
    // By cause, how far a row is indented depends on what else is shown.
    if (isElse || this.order === "cause") this.forget();
    this.layOut();
    return wasAtEnd;
  }

  isAtEnd() {
    return this.scroll.scrollTop + this.scroll.clientHeight >= this.list.offsetHeight - ROW / 2;
  }

  toEnd() {
    this.scroll.scrollTop = this.list.offsetHeight;
  }

  forget() {
    for (const element of this.drawn.values()) element.remove();
    this.drawn.clear();
  }

  // From an exchange to the last one that was sent because of it, at the column of who worked on it.
  findBars() {
    this.spans = [];
    const last = new Map();
    this.rows.forEach((row, position) => {
      if (this.positions.has(row.cause)) last.set(row.cause, Math.max(last.get(row.cause) ?? 0, position));
    });
    for (const [cause, end] of last) this.spans.push({ row: this.byNumber.get(cause), start: this.positions.get(cause), end });
  }

  layOut() {
    const width = this.scroll.clientWidth;
    if (!width || !this.all) return;
    const isNarrow = width < 620;
    const gutter = isNarrow ? 72 : 104;
    const { lanes, laneOf } = lanesOf(this.all, this.nodes, width - gutter);
    const lane = Math.min(MOST_LANE, (width - gutter - 8) / Math.max(1, lanes.length));
    const mark = [width, lanes.map((one) => one.name).join(), lane].join("|");
    if (mark !== this.mark) {
      const active = this.positions.get(this.active);
      const wasInView = this.isInView(active);
      this.forget();
      this.mark = mark;
      Object.assign(this, { lanes, laneOf, lane, gutter, isNarrow, width });
      this.drawHead();
      this.list.style.height = `${this.rows.length * ROW}px`;
      // The head may have become higher, or the list narrower: what was looked at stays in view.
      if (wasInView) this.reveal(active);
    }
    this.laneOf = laneOf;
    this.list.style.height = `${this.rows.length * ROW}px`;
    this.draw();
  }

  x(name) {
    return this.gutter + ((this.laneOf.get(name ?? "") ?? 0) + 0.5) * this.lane;
  }

  drawHead() {
    const pen = (this.pen ??= document.createElement("canvas").getContext("2d"));
    pen.font = "600 12.5px system-ui, sans-serif";
    const firsts = this.lanes.map((lane) => lane.label.split(".")[0]);
    const fits = (labels) => labels.every((label) => pen.measureText(label).width < this.lane - 10);
    let labels = this.lanes.map((lane) => lane.label);
    if (!fits(labels) && new Set(firsts).size === firsts.length) labels = firsts;
    // What does not fit is cut; only where that would be nodes, names stand upright.
    const isUpright = this.lane < 84 && !fits(labels.filter((_, position) => !this.lanes[position].isStranger));
    this.head.classList.toggle("upright", isUpright);
    refill(
      this.head,
      this.lanes.map((lane, position) => {
        const kind = lane.isPeople ? "person" : lane.isStranger ? "stranger" : "node";
        const label = el("span", { class: `lane ${kind}`, title: lane.label }, el("bdi", {}, labels[position]));
        label.style.left = `${this.gutter + position * this.lane}px`;
        label.style.width = `${this.lane}px`;
        return label;
      }),
    );
    refill(
      this.lifelines,
      this.lanes.map((lane) => {
        const line = el("i", { class: lane.isPeople ? "person" : lane.isStranger ? "stranger" : "node" });
        line.style.left = `${this.x(lane.name === PEOPLE || lane.name === OTHERS ? this.anyOf(lane.name) : lane.name)}px`;
        return line;
      }),
    );
  }

  anyOf(folded) {
    const position = this.lanes.findIndex((lane) => lane.name === folded);
    return [...this.laneOf].find(([, lane]) => lane === position)?.[0];
  }

  draw() {
    if (!this.lanes) return;
    const first = Math.max(0, Math.floor(this.scroll.scrollTop / ROW) - OVERSCAN);
    const last = Math.min(this.rows.length - 1, Math.ceil((this.scroll.scrollTop + this.scroll.clientHeight) / ROW) + OVERSCAN);
    const wanted = new Map();
    for (let position = first; position <= last; position += 1) wanted.set(this.rows[position].number, position);
    // The active row is what the list speaks of, wherever it was scrolled to.
    if (this.positions.has(this.active)) wanted.set(this.active, this.positions.get(this.active));
    for (const [number, element] of this.drawn) {
      const position = wanted.get(number);
      if (position === undefined || element.row !== this.rows[position]) {
        element.remove();
        this.drawn.delete(number);
      }
    }
    const made = [];
    for (const [number, position] of wanted) {
      let element = this.drawn.get(number);
      if (!element) {
        element = this.drawRow(this.rows[position]);
        this.drawn.set(number, element);
        made.push(element);
      }
      this.place(element, position);
    }
    this.list.append(...made);
    this.drawBars(first, last);
    this.list.setAttribute("aria-activedescendant", this.drawn.has(this.active) ? `row-${this.active}` : "");
  }

  place(element, position) {
    const row = this.rows[position];
    element.style.top = `${position * ROW}px`;
    element.setAttribute("aria-posinset", String(position + 1));
    element.setAttribute("aria-setsize", String(this.rows.length));
    element.setAttribute("aria-selected", String(row.number === this.active));
    element.classList.toggle("active", row.number === this.active);
    element.classList.toggle("kin", this.kin.has(row.number));
    const before = this.rows[position - 1];
    element.classList.toggle("pause", this.order !== "cause" && Boolean(before) && row.at - before.at >= LONG_PAUSE_MS);
  }

  drawRow(row) {
    const element = el(
      "div",
      { class: `row ${row.kind}`, role: "option", id: `row-${row.number}`, "data-number": row.number, "aria-label": describe(row) },
      this.drawGutter(row),
      this.drawLabel(row),
      this.drawArrow(row),
    );
    element.row = row;
    return element;
  }

  drawGutter(row) {
    const isWorld = this.clock === "world";
    const time = isWorld ? (this.isNarrow ? clock(row.at).slice(0, 8) : clock(row.at)) : (this.isNarrow ? compact : relative)(row.at - this.zero);
    const cause = row.cause ? el("span", { class: "cause", title: `Sent because of #${row.cause}` }, `↳${row.cause}`) : null;
    const gutter = el("span", { class: "gutter" }, el("span", { class: "number" }, row.number, cause), el("span", { class: "time", title: `${day(row.at)} ${clock(row.at)} UTC` }, time));
    gutter.style.width = `${this.gutter}px`;
    if (this.order === "cause") gutter.style.paddingInlineStart = `${(this.isNarrow ? 9 : 12) + (this.isNarrow ? 3 : 7) * Math.min(5, this.depth(row))}px`;
    return gutter;
  }

  depth(row) {
    let depth = 0;
    for (let above = row; above && depth < 5; depth += 1) {
      if (!this.positions.has(above.cause)) break;
      above = this.byNumber.get(above.cause);
    }
    return depth;
  }

  drawLabel(row) {
    const what = activityOf(row) || pathOf(row.url ?? "");
    const lane = this.lanes[this.laneOf.get(row.from ?? "")]?.name;
    const who = lane === PEOPLE || lane === OTHERS ? row.from.split("@")[0] : "";
    // About as wide as what has to be seen; then the reason, if there is room for the beginning of it.
    const isTimed = !row.why && !row.fault && row.took > 0 && !this.isNarrow;
    const needed = (row.method.length + what.length + who.length + (row.fault ?? "").length) * 7.2 + (isTimed ? 140 : 80);
    const room = this.width - 14;
    const start = Math.min(this.x(row.from), this.x(row.to)) + 9;
    const left = Math.max(this.gutter + 4, Math.min(start, room - needed - (row.why ? 120 : 0)));
    const label = el(
      "span",
      { class: "label" },
      who ? el("bdi", { class: "who" }, who) : null,
      el("b", {}, row.method),
      el("bdi", { class: row.type ? "activity" : "path" }, what),
      el("span", { class: "status" }, sign(row.kind), row.status || kindWord(row.kind)),
      row.fault ? el("span", { class: "fault" }, sign("fault"), el("bdi", {}, row.fault)) : null,
      row.why && room - left - needed > 50 ? el("bdi", { class: "why", title: row.why }, row.why) : null,
      isTimed ? el("span", { class: "took" }, duration(row.took)) : null,
    );
    label.style.left = `${left}px`;
    label.style.maxWidth = `${room - left}px`;
    return label;
  }

  drawArrow(row) {
    const from = this.x(row.from) - this.gutter;
    let to = this.x(row.to) - this.gutter;
    const picture = svg("svg", { class: "arrow", width: this.width - this.gutter, height: ROW, "aria-hidden": "true" });
    picture.style.left = `${this.gutter}px`;
    if (from === to) {
      // To oneself, or within a folded column: out and back.
      const out = Math.min(26, this.lane / 2 - 4);
      picture.append(svg("path", { class: "shaft", d: `M${from} ${ARROW_Y - 5}h${out}v8h${-out + 8}` }));
      picture.append(svg("path", { class: "tip", d: `M${from + 1} ${ARROW_Y + 3}l8 -4v8z` }));
      return picture;
    }
    const way = Math.sign(to - from);
    // What never arrived ends on its way.
    if (row.kind === "failed" && !row.status) to = from + (to - from) * 0.72;
    const end = to - way * (row.kind === "ok" ? 7 : row.kind === "waiting" ? 3 : 9);
    picture.append(svg("circle", { class: "origin", cx: from, cy: ARROW_Y, r: 2.5 }));
    picture.append(svg("path", { class: "shaft", d: `M${from} ${ARROW_Y}H${end}` }));
    if (row.kind === "ok") picture.append(svg("path", { class: "tip", d: `M${to - way} ${ARROW_Y}l${-way * 9} -4.5v9z` }));
    else if (row.kind === "waiting") picture.append(svg("path", { class: "open", d: `M${to - way * 8} ${ARROW_Y - 4.5}l${way * 7} 4.5l${-way * 7} 4.5` }));
    else {
      const mark = svg("g", { transform: `translate(${to - way * 8 - 6.5} ${ARROW_Y - 6.5}) scale(0.8)` }, sign(row.kind).firstChild);
      mark.setAttribute("class", "mark");
      picture.append(mark);
    }
    if (row.fault) {
      const bolt = svg("g", { class: "bolt", transform: `translate(${(from + to) / 2 - 6.5} ${ARROW_Y - 6.5}) scale(0.82)` }, sign("fault").firstChild);
      picture.append(bolt);
    }
    return picture;
  }

  drawBars(first, last) {
    const bars = [];
    for (const { row, start, end } of this.spans) {
      if (start > last || end < first || !row) continue;
      const bar = el("i", { class: this.kin.has(row.number) || row.number === this.active ? "bar kin" : "bar" });
      const top = Math.max(start, first - 1);
      bar.style.top = `${top * ROW + ARROW_Y}px`;
      bar.style.height = `${(Math.min(end, last + 1) - top) * ROW}px`;
      bar.style.left = `${this.x(row.to)}px`;
      bars.push(bar);
    }
    refill(this.bars, bars);
  }

  // The row that keys move and the detail shows; 0 for none. Its causes and consequences are marked with it.
  activate(number, { reveal = true } = {}) {
    this.active = number;
    this.kin = this.kinOf(number);
    if (reveal && this.positions.has(number)) this.reveal(this.positions.get(number));
    this.draw();
  }

  kinOf(number) {
    const kin = new Set();
    const row = this.byNumber?.get(number);
    if (!row) return kin;
    for (let above = this.byNumber.get(row.cause); above && !kin.has(above.number); above = this.byNumber.get(above.cause)) kin.add(above.number);
    const below = new Set([number]);
    // A cause has a lower number than what it led to, so one walk finds all.
    for (const later of this.all) {
      if (later.number > number && below.has(later.cause)) {
        below.add(later.number);
        kin.add(later.number);
      }
    }
    return kin;
  }

  isInView(position) {
    const top = position * ROW;
    return top >= this.scroll.scrollTop - ROW && top <= this.scroll.scrollTop + this.scroll.clientHeight + 2 * ROW;
  }

  reveal(position) {
    const top = position * ROW;
    const { scrollTop, clientHeight } = this.scroll;
    if (top < scrollTop + ROW) this.scroll.scrollTop = Math.max(0, top - ROW);
    else if (top + 2 * ROW > scrollTop + clientHeight) this.scroll.scrollTop = top + 2 * ROW - clientHeight;
  }

  // The number `steps` rows further, from the active one or the first in view.
  neighbour(steps) {
    if (!this.rows.length) return 0;
    const here = this.positions.get(this.active);
    const from = here ?? Math.floor(this.scroll.scrollTop / ROW) - Math.sign(steps);
    return this.rows[Math.min(this.rows.length - 1, Math.max(0, from + steps))].number;
  }

  get page() {
    return Math.max(1, Math.floor(this.scroll.clientHeight / ROW) - 1);
  }
}
