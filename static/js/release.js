// @ts-check
/** Lets a person take the evidence of one answer out of the house, after it was said what leaves with it. */
import { release } from "./api.js";
import { el, iconButton } from "./dom.js";
import { open } from "./dialogs.js";
import { say } from "./status.js";

/** The button on an answer. @param {string} message */
export function releaseButton(message) {
  return iconButton("save", "Save evidence of this answer", () => ask(message), { "aria-haspopup": "dialog" });
}

/** @param {string} message */
function ask(message) {
  const wrong = el("p", { class: "aside", role: "alert", hidden: true });
  const save = el("button", { class: "button is-main", type: "button" }, "Save the file");
  const node = el(
    "dialog",
    { class: "dialog", "aria-labelledby": "dialog-title" },
    el("h2", { class: "dialog-title", id: "dialog-title" }, "Save evidence of this answer"),
    el(
      "div",
      { class: "dialog-body" },
      el("p", {}, "Whoever has the file can check that this answer was given here, and have it made again. It holds in clear:"),
      el(
        "ul",
        {},
        el("li", {}, "your question and the answer"),
        el("li", {}, "the text, title and address of each passage that the answer was made from, also of those it does not cite"),
        el("li", {}, "which model made it, and with what settings"),
      ),
      el("p", {}, "It does not hold your name. That you saved it is put on record."),
      wrong,
      el("div", { class: "row is-end" }, el("button", { class: "button", type: "button", on: { click: () => node.close() } }, "Cancel"), save),
    ),
  );
  save.addEventListener("click", async () => {
    save.disabled = true;
    try {
      hand(await release(message), `evidence-${message}.json`);
      node.close();
      say("The evidence of this answer is saved.");
    } catch (cause) {
      wrong.textContent = /** @type {Error} */ (cause).message;
      wrong.hidden = false;
      save.disabled = false;
    }
  });
  open(node);
}

/** Gives the browser a file to save. @param {any} value @param {string} name */
function hand(value, name) {
  const address = URL.createObjectURL(new Blob([`${JSON.stringify(value, null, 2)}\n`], { type: "application/json" }));
  const link = el("a", { href: address, download: name });
  link.click();
  URL.revokeObjectURL(address);
}
