// Where exchanges come from: the data in this file, or the world that runs behind this page.

import { byId } from "./dom.js";

async function unpack(id) {
  const element = byId(id);
  if (!element) return null;
  const packed = Uint8Array.from(atob(element.textContent.trim()), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

// The words of a search; what stands in quotes is one.
export function termsOf(query) {
  return [...query.matchAll(/"([^"]+)"|(\S+)/g)].slice(0, 16).map((match) => (match[1] ?? match[2]).toLowerCase());
}

function bodyText(message, content) {
  return [content?.text ?? message.body ?? "", content?.search ?? ""];
}

// The same text in which the server of a live page searches.
function haystack(row, { exchange, view }) {
  const parts = [`#${exchange.number}`, exchange.sender, exchange.receiver, exchange.url];
  parts.push(row.type, row.id, row.actor, row.object, exchange.failure, exchange.fault);
  for (const name of ["request", "answer"]) {
    const message = exchange[name];
    if (!message) continue;
    parts.push(message.start, ...message.headers.map((pair) => pair.join(": ")), ...bodyText(message, view[name]));
  }
  for (const step of exchange.steps) parts.push(step.name, step.sentence, ...Object.entries(step.detail).map((pair) => pair.join(": ")));
  parts.push(...exchange.effects);
  return parts.filter(Boolean).join("\n").toLowerCase();
}

// All stores have: isLive, start() -> {about, nodes, rows}, detail(number), search(query, found) and follow(listener).
class FileStore {
  isLive = false;
  maySend = false;

  constructor(chunk) {
    this.chunk = chunk;
    this.chunks = new Map();
    this.haystacks = new Map();
  }

  async start() {
    const start = await unpack("start");
    this.head = start.har;
    this.about = start.about;
    this.rows = start.rows;
    this.known = start.known;
    // Numbers may have gaps, where a node was killed; chunks count what is there.
    this.positions = new Map(start.rows.map((row, position) => [row.number, position]));
    return start;
  }

  details(position) {
    // A few stay unpacked; whoever reads along moves within one.
    if (!this.chunks.has(position)) {
      if (this.chunks.size >= 4) this.chunks.delete(this.chunks.keys().next().value);
      this.chunks.set(position, unpack(`details-${position}`));
    }
    return this.chunks.get(position);
  }

  async detail(number) {
    const position = this.positions.get(number);
    if (position === undefined) return null;
    const chunk = await this.details(Math.floor(position / this.chunk));
    return chunk[position % this.chunk];
  }

  async *all() {
    for (let position = 0; position * this.chunk < this.rows.length; position += 1) yield await this.details(position);
  }

  // Calls `found` with the numbers found so far, once for each chunk and at the end.
  async search(query, found, isWanted) {
    const terms = termsOf(query);
    const numbers = new Set();
    for (let position = 0; position * this.chunk < this.rows.length; position += 1) {
      if (!this.haystacks.has(position)) {
        const chunk = await this.details(position);
        this.haystacks.set(position, chunk.map((detail, at) => [detail.exchange.number, haystack(this.rows[position * this.chunk + at], detail)]));
      }
      if (!isWanted()) return;
      for (const [number, text] of this.haystacks.get(position)) {
        if (terms.every((term) => text.includes(term))) numbers.add(number);
      }
      found(numbers, false);
    }
    found(numbers, true);
  }

  follow() {}

  async *lines() {
    yield `${JSON.stringify({ format: "fediverse-node-exchanges/1", ...this.about })}\n`;
    for (const known of this.known) yield `${JSON.stringify({ known })}\n`;
    for await (const chunk of this.all()) yield chunk.map(({ exchange }) => `${JSON.stringify(exchange)}\n`).join("");
  }

  async har() {
    const entries = [];
    for await (const chunk of this.all()) entries.push(...chunk.map(({ har }) => har));
    return JSON.stringify({ log: { ...this.head, entries } });
  }
}

class LiveStore {
  isLive = true;
  maySend = false;

  constructor(token) {
    this.token = token;
  }

  async ask(path, options) {
    const response = await fetch(path, options);
    const answer = await response.json().catch(() => ({ error: "The lab answered with something else than JSON." }));
    if (!response.ok) throw new Error(answer.error ?? `The lab answered ${response.status}.`);
    return answer;
  }

  async start() {
    const [rows, nodes] = await Promise.all([this.ask("rows"), this.nodes()]);
    this.at = rows.at;
    return { ...rows, nodes };
  }

  async nodes() {
    const { nodes, may_send: maySend } = await this.ask("nodes");
    this.maySend = maySend;
    return nodes;
  }

  detail(number) {
    return this.ask(`exchanges/${number}`);
  }

  async search(query, found, isWanted) {
    const answer = await this.ask(`search?q=${encodeURIComponent(query)}`);
    if (isWanted()) found(new Set(answer.found), true);
  }

  // `listener` has rows(list), restart() and state(isConnected).
  follow(listener) {
    const events = new EventSource(`events?since=${encodeURIComponent(this.at)}`);
    events.addEventListener("open", () => listener.state(true));
    events.addEventListener("error", () => listener.state(false));
    events.addEventListener("rows", (event) => listener.rows(JSON.parse(event.data)));
    events.addEventListener("restart", () => {
      events.close();
      listener.restart();
    });
  }

  send(message) {
    const headers = { "Content-Type": "application/json", "X-Inspector-Token": this.token };
    return this.ask("send", { method: "POST", headers, body: JSON.stringify(message) });
  }
}

export function openStore() {
  const config = JSON.parse(byId("config").textContent);
  return config.live ? new LiveStore(config.token) : new FileStore(config.chunk);
}
