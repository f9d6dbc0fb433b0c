// @ts-check
/** A small menu: a `details` element that closes on Escape, on a press elsewhere, and after a choice. */
import { el, icon, on } from "./dom.js";

/**
 * @typedef {{icon?: string, words: string, act?: () => void, href?: string, download?: boolean, alarm?: boolean}} Item
 * @param {{label?: string, face: (Node|string)[], class?: string, up?: boolean, start?: boolean}} look
 * @param {(Item|HTMLElement|null)[]} items `null` draws a line
 */
export function menu(look, items) {
  const summary = el("summary", { class: "quiet", "aria-label": look.label, title: look.label }, look.face);
  const classes = ["menu-list", look.up && "is-up", look.start && "is-start"].filter(Boolean).join(" ");
  const node = el("details", { class: `menu ${look.class ?? ""}` }, summary, el("div", { class: classes }, items.map(drawn)));
  const close = (/** @type {boolean} */ back) => {
    node.open = false;
    if (back) summary.focus();
  };
  on(node, "keydown", (event) => {
    if (event.key !== "Escape" || !node.open) return;
    event.stopPropagation();
    close(true);
  });
  on(node, "focusout", (event) => {
    if (event.relatedTarget && !node.contains(event.relatedTarget)) close(false);
  });
  const elsewhere = (/** @type {Event} */ event) => {
    if (!node.contains(/** @type {Node} */ (event.target))) close(false);
  };
  on(node, "toggle", () => {
    if (node.open) document.addEventListener("pointerdown", elsewhere);
    else document.removeEventListener("pointerdown", elsewhere);
  });
  return node;

  /** @param {Item|HTMLElement|null} item */
  function drawn(item) {
    if (item === null) return el("hr", { class: "menu-rule" });
    if (item instanceof HTMLElement) return item;
    const look = { class: item.alarm ? "menu-item is-alarm" : "menu-item" };
    const face = [item.icon ? icon(item.icon) : null, el("span", {}, item.words)];
    if (item.href) {
      return el("a", { ...look, href: item.href, download: item.download, on: { click: () => close(false) } }, face);
    }
    const act = () => {
      close(true);
      item.act?.();
    };
    return el("button", { ...look, type: "button", on: { click: act } }, face);
  }
}
