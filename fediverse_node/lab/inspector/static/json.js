// JSON as it was sent, only with line breaks and colours: numbers, escapes and repeated names stay what they are.

import { el } from "./dom.js";

const TOKEN = /\s+|("[^"\\]*(?:\\[^][^"\\]*)*")(\s*:)?|(-?\d[\d.eE+-]*|true|false|null)|([[{])(\s*[\]}])?|([\]}])|(,)|([^])/gy;
const DEEPEST = 60;
export const LONGEST_PRETTY = 400000;

export function isJson(text) {
  try {
    JSON.parse(text);
    return /^\s*[[{]/.test(text);
  } catch {
    return false;
  }
}

// An array of strings and elements. Only for text that is JSON.
export function prettyJson(text) {
  const parts = [];
  let plain = "";
  let depth = 0;
  const flush = () => {
    if (plain) parts.push(plain);
    plain = "";
  };
  const coloured = (kind, token) => {
    flush();
    parts.push(el("span", { class: kind }, token));
  };
  // Beyond this depth nothing more is indented: nobody reads it, and it would cost a square of its size.
  const line = () => (plain += `\n${"  ".repeat(Math.min(depth, DEEPEST))}`);
  TOKEN.lastIndex = 0;
  for (const [all, string, colon, atom, open, shut, close, comma] of text.matchAll(TOKEN)) {
    if (string !== undefined) {
      coloured(colon ? "j-key" : "j-string", string);
      if (colon) plain += ": ";
    } else if (atom !== undefined) coloured("j-atom", atom);
    else if (open !== undefined) {
      plain += open;
      if (shut) plain += shut.trim();
      else {
        depth += 1;
        line();
      }
    } else if (close !== undefined) {
      depth -= 1;
      line();
      plain += close;
    } else if (comma !== undefined) {
      plain += ",";
      line();
    } else if (all.trim()) plain += all;
  }
  flush();
  return parts;
}
