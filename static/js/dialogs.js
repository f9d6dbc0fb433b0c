// @ts-check
/** Dialogs. The browser traps focus in them, closes them on Escape, and gives focus back. */
import { el, iconButton } from "./dom.js";

/** Shows a dialog and takes it away when it closes. @param {HTMLDialogElement} node */
export function open(node) {
  document.body.append(node);
  node.addEventListener("close", () => node.remove());
  node.addEventListener("click", (event) => {
    if (event.target === node) node.close();
  });
  node.showModal();
  return node;
}

/**
 * A dialog with one text field. `act` gets what was typed.
 * @param {{title: string, words?: string, label: string, value?: string, deed: string, alarm?: boolean,
 *   fits?: (text: string) => boolean, act: (text: string) => void}} look
 */
export function askText(look) {
  const field = el("input", { class: "field", id: "dialog-field", type: "text", autocomplete: "off", maxlength: "200", value: look.value });
  const fits = look.fits ?? ((/** @type {string} */ text) => text.trim() !== "");
  const send = el("button", { class: look.alarm ? "button is-alarm" : "button is-main", type: "submit" }, look.deed);
  const judge = () => {
    send.disabled = !fits(field.value);
  };
  field.addEventListener("input", judge);
  judge();
  const form = el(
    "form",
    { class: "dialog-body", method: "dialog" },
    look.words ? el("p", {}, look.words) : null,
    el("div", {}, el("label", { class: "small", for: "dialog-field" }, look.label), field),
    el("div", { class: "row is-end" }, el("button", { class: "button", type: "button", on: { click: () => node.close() } }, "Cancel"), send),
  );
  form.addEventListener("submit", () => look.act(field.value.trim()));
  const node = el(
    "dialog",
    { class: "dialog", "aria-labelledby": "dialog-title" },
    el("h2", { class: "dialog-title", id: "dialog-title" }, look.title),
    form,
  );
  open(node);
  field.focus();
  field.select();
}

/**
 * A dialog that asks once more. It stays until `act` has done it, and tells what went wrong.
 * @param {{title: string, words: string[], deed: string, alarm?: boolean, act: () => Promise<any>}} look
 */
export function confirm(look) {
  const wrong = el("p", { class: "small", role: "alert" });
  const send = el("button", { class: look.alarm ? "button is-alarm" : "button is-main", type: "submit" }, look.deed);
  const cancel = el("button", { class: "button", type: "button", on: { click: () => node.close() } }, "Cancel");
  const form = el("form", { class: "dialog-body", method: "dialog" }, look.words.map((words) => el("p", {}, words)), wrong, el("div", { class: "row is-end" }, cancel, send));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    send.disabled = true;
    try {
      await look.act();
      node.close();
    } catch (cause) {
      wrong.textContent = /** @type {Error} */ (cause).message;
      send.disabled = false;
    }
  });
  const node = el("dialog", { class: "dialog", "aria-labelledby": "dialog-title" }, el("h2", { class: "dialog-title", id: "dialog-title" }, look.title), form);
  open(node);
  cancel.focus();
  return node;
}

/** A dialog to read. @param {string} title @param {...HTMLElement} body */
export function tell(title, ...body) {
  const node = el(
    "dialog",
    { class: "dialog", "aria-labelledby": "dialog-title" },
    el("div", { class: "row" }, el("h2", { class: "dialog-title account-name", id: "dialog-title" }, title), iconButton("close", "Close", () => node.close())),
    el("div", { class: "dialog-body" }, body),
  );
  return open(node);
}
