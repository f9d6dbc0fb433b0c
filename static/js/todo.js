// @ts-check
/** What waits for somebody: what is wrong, since when, and the next step. */
import { el } from "./dom.js";
import { age } from "./when.js";

/** How much something presses. @type {{[presses: string]: [string, string]}} */
const PRESSES = {
  now: ["Now", "is-bad"],
  soon: ["Soon", "is-note"],
  someday: ["Some day", ""],
};

/** @param {any} item @param {Date} now */
export function drawItem(item, now) {
  const [word, kind] = PRESSES[item.presses] ?? PRESSES.someday;
  const next = item.link ? el("a", { href: item.link }, item.next) : item.next;
  return el(
    "li",
    { class: "health" },
    el("span", { class: "health-word" }, el("span", { class: `state ${kind}` }, word)),
    el("div", { class: "step" }, el("p", {}, el("strong", {}, item.text), item.since ? el("span", { class: "soft" }, ` Since ${age(item.since, now).replace(" ago", "")}.`) : null), el("p", {}, next)),
  );
}

/** @param {any[]} items @param {Date} now */
export function drawTodo(items, now) {
  if (items.length > 0) return items.map((item) => drawItem(item, now));
  return [el("li", { class: "health" }, el("span", { class: "health-word" }, el("span", { class: "state is-good" }, "Well")), el("span", {}, "Nothing waits for anybody."))];
}
