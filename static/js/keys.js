// @ts-check
/** Keyboard shortcuts, all with a modifier (WCAG 2.1.4), and the dialog that lists them. */
import { tell } from "./dialogs.js";
import { el, on } from "./dom.js";

/**
 * @param {{search: () => void, fresh: () => void, stop: () => boolean, input: () => void, step: (by: 1|-1) => void}} deeds
 */
export function listen(deeds) {
  on(document, "keydown", (/** @type {KeyboardEvent} */ event) => {
    // An open dialog has the keyboard for itself.
    if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
    const act = chosen(event);
    if (!act) return;
    if (act() !== false) event.preventDefault();
  });

  /** @param {KeyboardEvent} event @returns {(() => unknown)|null} */
  function chosen(event) {
    const command = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    if (command && !event.shiftKey && !event.altKey && key === "k") return deeds.search;
    if (command && event.shiftKey && key === "o") return deeds.fresh;
    if (command && key === "/") return shortcuts;
    if (event.shiftKey && !command && event.key === "Escape") return deeds.input;
    if (event.key === "Escape" && !command) return deeds.stop;
    if (event.altKey && !command && event.key === "ArrowUp") return () => deeds.step(-1);
    if (event.altKey && !command && event.key === "ArrowDown") return () => deeds.step(1);
    return null;
  }
}

/** Lists the shortcuts. */
export function shortcuts() {
  const mod = /Mac|iPhone|iPad/.test(navigator.platform) ? "Cmd" : "Ctrl";
  const rows = [
    ["Send the question", ["Enter"]],
    ["New line", ["Shift", "Enter"]],
    ["New question", [mod, "Shift", "O"]],
    ["Search conversations", [mod, "K"]],
    ["Go to the question box", ["Shift", "Esc"]],
    ["Stop, or close what is open", ["Esc"]],
    ["Previous answer", ["Alt", "↑"]],
    ["Next answer", ["Alt", "↓"]],
    ["This list", [mod, "/"]],
  ].map(([words, keys]) =>
    el("tr", {}, el("th", { scope: "row" }, words), el("td", {}, /** @type {string[]} */ (keys).flatMap((key, at) => [at > 0 ? " + " : "", el("kbd", {}, key)]))),
  );
  tell("Keyboard shortcuts", el("table", { class: "shortcuts" }, el("tbody", {}, rows)));
}
