// What stands beside the diagram: nodes and their people, what run this was, exports, keys and signs.

import { byId, download, el, isolated, refill, sign } from "./dom.js";
import { KINDS } from "./filters.js";

const KEYS = [
  ["j, ↓", "next exchange"], ["k, ↑", "exchange before"], ["Home, End", "first and last"], ["Enter", "open it"], ["Esc", "close it"],
  ["1 – 4", "what happened, request, answer, signature"], ["/", "search"], ["f", "only failures"], ["c", "by time or by cause"], ["?", "this page"],
];
const MEANINGS = {
  ok: "Accepted: answered with 2xx or 3xx.",
  refused: "Refused: answered with 4xx, or taken and then turned down.",
  failed: "Failed: answered with 5xx, or not at all.",
  waiting: "Waiting: not answered yet.",
  fault: "The lab did something to it: dropped, delayed, changed …",
};

export function showNodes(nodes, about) {
  const panel = byId("nodes");
  const cards = nodes.map((node) =>
    el(
      "article",
      {},
      el("h2", {}, node.url ? el("a", { href: node.url, rel: "noreferrer", target: "_blank" }, isolated(node.name)) : isolated(node.name)),
      el("p", { class: "soft" }, [node.software, node.address].filter(Boolean).join(" · ")),
      node.people.length ? el("ul", {}, node.people.map((person) => el("li", {}, isolated(person.name), person.handle && person.handle !== person.name ? el("span", { class: "soft" }, " ", isolated(person.handle)) : null, person.sign_in ? [" ", el("a", { href: person.sign_in, rel: "noreferrer", target: "_blank" }, "Sign in", el("span", { class: "offscreen" }, ` as ${person.name}`))] : null))) : null,
    ),
  );
  const run = Object.entries(about).map(([name, value]) => el("div", {}, el("dt", {}, name.replaceAll("_", " ")), el("dd", {}, isolated(typeof value === "object" ? JSON.stringify(value) : String(value)))));
  refill(panel, cards, run.length ? el("article", {}, el("h2", {}, "This run"), el("dl", { class: "facts" }, run)) : null);
  byId("show-nodes").hidden = !cards.length && !run.length;
  byId("show-nodes").textContent = cards.length ? "Nodes" : "About";
}

export function unfoldNodes(isOpen = byId("nodes").hidden) {
  byId("nodes").hidden = !isOpen;
  byId("show-nodes").setAttribute("aria-expanded", String(isOpen));
}

export function openDialog(label, ...content) {
  const dialog = el("dialog", { class: "dialog", "aria-label": label }, el("h2", {}, label), content, el("div", { class: "buttons" }, el("button", { type: "button", onclick: () => dialog.close() }, "Close")));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

export function showHelp() {
  openDialog(
    "Keys and signs",
    el("dl", { class: "keys" }, KEYS.map(([key, meaning]) => el("div", {}, el("dt", {}, key.split(/(, | – )/).map((part, at) => (at % 2 ? part : el("kbd", {}, part)))), el("dd", {}, meaning)))),
    el("ul", { class: "signs" }, KINDS.map((kind) => el("li", { class: kind }, sign(kind), el("span", {}, MEANINGS[kind])))),
    el("p", { class: "soft" }, "A bar at a node spans from an exchange to the last one it led to. ↳9 is “sent because of #9”."),
  );
}

const FILES = [
  ["jsonl", "Recording", "One exchange a line. The lab reads it again: to replay, to inspect."],
  ["html", "This page", "One file that needs no server, to keep or to hand on. Without links to sign in."],
  ["har", "HTTP archive", "HAR 1.2, for browsers’ network panels and other tools."],
];

export function showExport(store) {
  const rows = FILES.filter(([kind]) => store.isLive || kind !== "html").map(([kind, name, about]) => {
    const label = `${name} (.${kind})`;
    const act = store.isLive
      ? el("a", { class: "button", href: `export.${kind}`, download: `exchanges.${kind}` }, label)
      : el("button", { type: "button", id: `export-${kind}`, onclick: () => save(store, kind) }, label);
    return el("li", {}, act, el("p", { class: "soft" }, about));
  });
  openDialog("Export", el("ul", { class: "exports" }, rows), el("p", { class: "soft" }, "Everything that was sent is in these files: private posts, tokens of apps, addresses. Think of that before you hand them on."));
}

async function save(store, kind) {
  if (kind === "har") return download("exchanges.har", "application/json", [await store.har()]);
  const lines = [];
  for await (const line of store.lines()) lines.push(line);
  return download("exchanges.jsonl", "application/jsonl", lines);
}
