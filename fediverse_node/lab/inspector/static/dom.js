// Elements, without ever turning text into markup: what strangers wrote becomes text nodes and nothing else.

export const SVG = "http://www.w3.org/2000/svg";

// el("p", {class: "soft", onclick: f}, "text", child, …); null and false children are left out.
export function el(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  put(element, ...children);
  return element;
}

export function put(element, ...children) {
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
  return element;
}

export function refill(element, ...children) {
  element.replaceChildren();
  return put(element, ...children);
}

export function svg(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

// Signs are drawn, so that no font can lack them. Each kind has its own shape beside its colour.
const SIGNS = {
  ok: "M2.5 8.5l3.6 3.6 7.4-8",
  refused: "M8 1.8a6.2 6.2 0 1 0 0 12.4a6.2 6.2 0 1 0 0-12.4M3.8 12.2l8.4-8.4",
  failed: "M3 3l10 10M13 3l-10 10",
  waiting: "M2.5 8h.01M8 8h.01M13.5 8h.01",
  fault: "M9.2 1.2l-5.4 7.6h4l-1 6l5.4-7.6h-4z",
  link: "M6.5 9.5l3-3M7.2 4.2l1.6-1.6a3.2 3.2 0 0 1 4.6 4.6l-1.6 1.6M8.8 11.8l-1.6 1.6a3.2 3.2 0 0 1-4.6-4.6l1.6-1.6",
  close: "M3 3l10 10M13 3l-10 10",
  up: "M3 10l5-5l5 5",
  down: "M3 6l5 5l5-5",
};

export function sign(kind) {
  const path = svg("path", { d: SIGNS[kind] });
  return svg("svg", { class: `sign sign-${kind}`, viewBox: "0 0 16 16", "aria-hidden": "true" }, path);
}

// Text of any direction that does not disturb what stands beside it.
export const isolated = (text) => el("bdi", {}, text);

export const byId = (id) => document.getElementById(id);

let toastTimer = 0;

export function toast(text) {
  byId("toast").textContent = text;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => (byId("toast").textContent = ""), 5000);
}

export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without permission, or outside a secure context: the way of old.
    const area = el("textarea", { class: "offscreen", readonly: true, "aria-hidden": "true" });
    area.value = text;
    (document.querySelector("dialog[open]") || document.body).append(area);
    const before = document.activeElement;
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    before?.focus();
    if (!done) return toast("This browser does not let pages copy. Mark the text and copy it yourself.");
  }
  toast(`${what} copied.`);
}

export function download(name, type, parts) {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  const link = el("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}
