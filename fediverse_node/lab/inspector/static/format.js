// Times, sizes and names in words.

const UNITS = [[86400000, "d"], [3600000, "h"], [60000, "min"]];

// "+3.120 s", "+4 min 2 s", "+12 d 3 h": two units, since beside days nobody looks for milliseconds.
export function relative(ms) {
  const before = ms < 0 ? "−" : "+";
  let rest = Math.abs(ms);
  if (rest < 60000) return `${before}${(rest / 1000).toFixed(3)} s`;
  const parts = [];
  for (const [size, name] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count || parts.length) parts.push(`${count} ${name}`);
  }
  parts.push(`${Math.floor(rest / 1000)} s`);
  return before + parts.slice(0, 2).join(" ");
}

// The same where there is little room: "+21.13 s", "+1:24", "+12 d 3 h".
export function compact(ms) {
  const size = Math.abs(ms);
  if (size < 60000) return `${ms < 0 ? "−" : "+"}${(size / 1000).toFixed(size < 10000 ? 3 : 2)} s`;
  if (size >= 3600000) return relative(ms);
  return `${ms < 0 ? "−" : "+"}${Math.floor(size / 60000)}:${pad(Math.floor(size / 1000) % 60)}`;
}

const pad = (number, width = 2) => String(number).padStart(width, "0");

function moment(ms) {
  const date = new Date(Number(ms));
  return Number.isNaN(date.getTime()) ? new Date(0) : date;
}

// The world's clock, always UTC: "2031-04-01" and "09:00:03.120".
export function day(ms) {
  const date = moment(ms);
  return `${date.getUTCFullYear()}-${pad(date.getUTCMonth() + 1)}-${pad(date.getUTCDate())}`;
}

export function clock(ms) {
  const date = moment(ms);
  const seconds = `${pad(date.getUTCHours())}:${pad(date.getUTCMinutes())}:${pad(date.getUTCSeconds())}`;
  return `${seconds}.${pad(date.getUTCMilliseconds(), 3)}`;
}

export function duration(ms) {
  if (ms < 10) return `${Math.round(ms * 10) / 10} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : relative(ms).slice(1);
}

export function bytes(count) {
  if (count < 1000) return `${count} bytes`;
  return count < 1e6 ? `${(count / 1000).toFixed(1)} kB` : `${(count / 1e6).toFixed(1)} MB`;
}

export const counted = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

export function pathOf(url) {
  const path = url.replace(/^[a-z]+:\/\/[^/?#]*/i, "");
  return path || "/";
}

// "alice@alpha.test" of "https://alpha.test/users/alice", as far as the address shows it.
export function shortActor(uri) {
  const match = /^https?:\/\/([^/?#]+)\/(?:.*\/)?@?([^/?#]+)$/i.exec(uri);
  return match ? `${match[2]}@${match[1]}` : uri;
}

const KIND_WORDS = { ok: "accepted", refused: "refused", failed: "failed", waiting: "waiting" };
export const kindWord = (kind) => KIND_WORDS[kind];

// "Create Note", "Accept Follow"; for a request without an activity, its path.
export function activityOf(row) {
  return row.type ? [row.type, row.of].filter(Boolean).join(" ") : "";
}

export const partyOf = (name) => name || "unnamed";
