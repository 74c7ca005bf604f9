// Parts of the detail: a message with its headers and body, and a signature with what it is over.

import { copy, el, isolated, refill, sign } from "./dom.js";
import { bytes } from "./format.js";
import { LONGEST_PRETTY, isJson, prettyJson } from "./json.js";

const LONGEST_SHOWN = 200000;

export function facts(pairs) {
  const kept = pairs.filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return el("dl", { class: "facts" }, kept.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, typeof value === "string" ? isolated(value) : value))));
}

const copyButton = (text, what) => el("button", { type: "button", class: "small", onclick: () => copy(text, what) }, "Copy");

function headersTable(headers) {
  if (!headers.length) return el("p", { class: "soft" }, "No headers.");
  const rows = headers.map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, isolated(value))));
  return el("table", { class: "headers" }, el("tbody", {}, rows));
}

// `text` as much as can be looked at, with a way to the rest.
function fillText(pre, text, isPretty) {
  const content = isPretty && text.length <= LONGEST_PRETTY ? prettyJson(text) : null;
  if (content) return refill(pre, content);
  if (text.length <= LONGEST_SHOWN) return refill(pre, text);
  const rest = el("button", { type: "button", onclick: () => refill(pre, text) }, `Show the rest (${bytes(text.length - LONGEST_SHOWN)})`);
  return refill(pre, text.slice(0, LONGEST_SHOWN), "\n", rest);
}

function hexOf(base64) {
  const data = atob(base64);
  const lines = [];
  for (let at = 0; at < Math.min(data.length, 4096); at += 16) {
    const row = [...data.slice(at, at + 16)].map((character) => character.charCodeAt(0));
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = row.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : "·")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${hex.padEnd(47)}  ${text}`);
  }
  if (data.length > 4096) lines.push(`… ${bytes(data.length - 4096)} more`);
  return lines.join("\n");
}

function body(message, content) {
  const base64 = content?.base64 ?? (content?.text === undefined ? message.body_base64 : undefined);
  const text = content?.text ?? message.body ?? "";
  if (!base64 && !text) return el("p", { class: "soft" }, "No body.");
  const pre = el("pre", { class: "body", tabindex: "0", "aria-label": "Body", dir: "auto" });
  const size = base64 ? atob(base64).length : new TextEncoder().encode(text).length;
  const note = el("p", { class: "soft" }, [bytes(size), content?.note].filter(Boolean).join(" · "));
  if (base64) {
    pre.dir = "ltr";
    refill(pre, hexOf(base64));
    return [el("div", { class: "above" }, note, copyButton(base64, "Body, as base64,")), pre];
  }
  const canBePretty = isJson(text);
  let isPretty = canBePretty;
  const toggle = (label, value) =>
    el("button", { type: "button", class: "small", "aria-pressed": String(isPretty === value), onclick: (event) => {
      isPretty = value;
      for (const button of event.target.parentElement.querySelectorAll("[aria-pressed]")) button.setAttribute("aria-pressed", String(button === event.target));
      fillText(pre, text, isPretty);
    } }, label);
  pre.dir = canBePretty ? "ltr" : "auto";
  fillText(pre, text, isPretty);
  return [el("div", { class: "above" }, note, canBePretty ? [toggle("Pretty", true), toggle("Raw", false)] : null, copyButton(text, "Body")), pre];
}

export function messageView(message, content) {
  return [
    el("p", { class: "start" }, el("code", {}, message.start)),
    el("h3", {}, "Headers"),
    headersTable(message.headers),
    el("h3", {}, "Body"),
    body(message, content),
  ];
}

function claimView(claim, open) {
  const from = claim.key_from ? el("button", { type: "button", class: "link", onclick: () => open(claim.key_from) }, `#${claim.key_from}`) : null;
  const kind = claim.holds === true ? "ok" : claim.holds === false ? "failed" : "waiting";
  return el(
    "section",
    { class: "claim" },
    el("h3", {}, claim.label ? `${claim.scheme}, ${claim.label}` : claim.scheme),
    el("p", { class: `line ${kind}` }, sign(kind), el("span", {}, claim.proof, from ? [" Key as served in ", from, "."] : null)),
    claim.check ? el("p", { class: "line refused" }, sign("refused"), el("span", {}, `By the usual rules it is refused before any key is asked: ${claim.check}`)) : null,
    facts([
      ["Key", claim.key_id], ["Algorithm", claim.algorithm], ["Created", claim.created], ["Expires", claim.expires],
      ["Nonce", claim.nonce], ["Tag", claim.tag], ["Covers", el("span", { class: "covered" }, claim.covered.map((name) => [el("code", {}, name), " "]))],
    ]),
    el("div", { class: "above" }, el("h4", {}, "Signature base"), claim.base === undefined ? null : copyButton(claim.base, "Signature base")),
    claim.base === undefined
      ? el("p", {}, `There is none: ${claim.no_base}`)
      : [el("pre", { class: "base", tabindex: "0", "aria-label": "Signature base", dir: "ltr" }, claim.base), facts([["SHA-256", claim.base_sha256]])],
    el("h4", {}, "Signature"),
    el("pre", { class: "base", tabindex: "0", "aria-label": "Signature", dir: "ltr" }, claim.signature),
  );
}

// `open(number)` shows another exchange.
export function signatureView(view, open) {
  if (view.refusal) return el("p", { class: "line refused" }, sign("refused"), el("span", {}, `What it carries as a signature cannot be used: ${view.refusal}`));
  if (!view.claims) return el("p", { class: "soft" }, "The request carries no signature.");
  return view.claims.map((claim) => claimView(claim, open));
}
