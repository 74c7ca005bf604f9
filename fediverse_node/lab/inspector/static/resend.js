// Editing a request before it is sent again.

import { el, refill } from "./dom.js";
import { shortActor } from "./format.js";

const SIGNED_ANEW = "Date, digest and signature are made anew with this actor’s key.";
const BROKEN = "The digest and the signature stay those of the original. A node that looks at them refuses what you changed – which may be what you want to see.";
const SAME = "Nothing is changed yet. The same bytes again: a node takes the same activity only once.";

// "Name: value" a line; null with the first line that is none.
export function parseHeaders(text) {
  const pairs = [];
  for (const line of text.split(/\r?\n/)) {
    if (!line.trim()) continue;
    const match = /^([^:\s]+):[ \t]*(.*)$/.exec(line);
    if (!match) return { problem: line };
    pairs.push([match[1], match[2]]);
  }
  return { pairs };
}

export class ResendDialog {
  // `send(message)` gives "" or a sentence that says why not.
  constructor(exchange, signers, send) {
    const { request } = exchange;
    this.exchange = exchange;
    this.send = send;
    this.isText = request.body_base64 === undefined;
    this.original = { start: request.start, headers: request.headers.map(([name, value]) => `${name}: ${value}`).join("\n"), body: request.body ?? "" };
    const update = () => this.update();
    this.start = el("input", { id: "edit-start", spellcheck: "false", autocomplete: "off", value: this.original.start, oninput: update });
    this.headers = el("textarea", { id: "edit-headers", rows: "8", spellcheck: "false", oninput: update });
    this.body = el("textarea", { id: "edit-body", rows: "14", spellcheck: "false", dir: "auto", oninput: update });
    this.headers.value = this.original.headers;
    this.body.value = this.original.body;
    this.signer = el("select", { id: "edit-signer", onchange: update }, el("option", { value: "" }, "Leave the signature as it is"), signers.map((uri) => el("option", { value: uri }, `Sign again as ${shortActor(uri)}`)));
    this.note = el("p", { class: "note", role: "status", id: "edit-note" });
    this.problem = el("p", { class: "line failed", role: "alert" });
  }

  open() {
    const field = (label, input) => el("label", { class: "field" }, el("span", {}, label), input);
    const dialog = el(
      "dialog",
      { class: "dialog edit", "aria-label": `Edit and re-send #${this.exchange.number}` },
      el("h2", {}, `Edit #${this.exchange.number} and send it to `, el("bdi", {}, this.exchange.receiver)),
      field("First line", this.start),
      field("Headers", this.headers),
      this.isText ? field("Body", this.body) : el("p", { class: "soft" }, "The body is not text. It is sent as it was."),
      field("Signature", this.signer),
      this.note,
      this.problem,
      el("div", { class: "buttons" }, el("button", { type: "button", class: "primary", id: "edit-send", onclick: () => this.submit() }, "Send"), el("button", { type: "button", onclick: () => dialog.close() }, "Cancel")),
    );
    this.dialog = dialog;
    const before = document.activeElement;
    dialog.addEventListener("close", () => {
      dialog.remove();
      before?.focus?.();
    });
    document.body.append(dialog);
    this.update();
    dialog.showModal();
    (this.isText ? this.body : this.start).focus();
  }

  get isChanged() {
    const { start, headers, body } = this.original;
    return this.start.value !== start || this.headers.value !== headers || (this.isText && this.body.value !== body);
  }

  update() {
    this.note.textContent = this.signer.value ? SIGNED_ANEW : this.isChanged ? BROKEN : SAME;
    this.note.classList.toggle("warns", !this.signer.value && this.isChanged);
  }

  async submit() {
    const { pairs, problem } = parseHeaders(this.headers.value);
    if (problem !== undefined) return refill(this.problem, `This line is no header: ${problem}`);
    const edited = { start: this.start.value, headers: pairs };
    // Untouched text is sent as the bytes it was; a text area knows only one kind of line end.
    if (this.isText && this.body.value !== this.original.body.replace(/\r\n?/g, "\n")) edited.body = this.body.value;
    const said = await this.send({ number: this.exchange.number, sign_as: this.signer.value || null, edited });
    if (said) return refill(this.problem, said);
    return this.dialog.close();
  }
}
