// @ts-check
/** The editor of topics: each shown by example questions, and for whom it is. */
import { el } from "./dom.js";

/** @typedef {{name: string, examples: string[], rule: "allow"|"deny", groups: string[], similarity: number}} Topic */

let numbered = 0;

/**
 * One topic to be edited. What it holds is read with `topicOf`.
 * @param {Topic} topic @param {boolean} locked
 */
export function topicCard(topic, locked) {
  numbered += 1;
  const id = (/** @type {string} */ part) => `topic-${numbered}-${part}`;
  const field = (/** @type {string} */ part, /** @type {string} */ words, /** @type {HTMLElement} */ node) => el("div", {}, el("label", { for: id(part) }, words), node);
  const rule = el(
    "select",
    { class: "field", id: id("rule"), name: "rule", disabled: locked },
    el("option", { value: "allow", selected: topic.rule === "allow" }, "Only its groups may ask"),
    el("option", { value: "deny", selected: topic.rule === "deny" }, "All but its groups may ask"),
  );
  const area = (/** @type {string} */ part, /** @type {string[]} */ lines, /** @type {number} */ rows) => {
    const node = el("textarea", { class: "field", id: id(part), name: part, rows, disabled: locked });
    node.value = lines.join("\n");
    return node;
  };
  const remove = el("button", { class: "button", type: "button", on: { click: () => drop(card) } }, "Remove", el("span", { class: "unseen" }, ` the topic ${topic.name}`));
  const card = el(
    "fieldset",
    { class: "topic" },
    el("legend", { class: "small" }, topic.name || "New topic"),
    field("name", "What you call it; nobody else is shown it", el("input", { class: "field", id: id("name"), name: "name", value: topic.name, required: true, maxlength: "200", autocomplete: "off", disabled: locked })),
    field("examples", "Questions that are about it, one a line: the more kinds, the better", area("examples", topic.examples, 3)),
    el(
      "div",
      { class: "halves" },
      field("rule", "Whom it is for", rule),
      field("similarity", "How near is near, 0.2 to 1", el("input", { class: "field", id: id("similarity"), name: "similarity", type: "number", min: "0.2", max: "1", step: "0.01", value: String(Math.round(topic.similarity * 100) / 100), required: true, disabled: locked })),
    ),
    field("groups", "Its groups by the names they have at the provider, one a line. Where only its groups may ask and there are none, nobody may.", area("groups", topic.groups, 2)),
    locked ? null : el("div", { class: "row is-end" }, remove),
  );
  return card;
}

/** @param {HTMLElement} card */
function drop(card) {
  const next = /** @type {HTMLElement|null} */ (card.nextElementSibling ?? card.previousElementSibling);
  card.remove();
  (next?.querySelector("input") ?? document.getElementById("add-topic"))?.focus();
}

/** What a card holds. @param {HTMLElement} card @returns {Topic} */
export function topicOf(card) {
  const value = (/** @type {string} */ name) => /** @type {any} */ (card.querySelector(`[name="${name}"]`)).value;
  return { name: value("name").trim(), examples: lines(value("examples")), rule: value("rule"), groups: lines(value("groups")), similarity: Number(value("similarity")) };
}

/** @returns {Topic} */
export const emptyTopic = () => ({ name: "", examples: [], rule: "allow", groups: [], similarity: 0.5 });

/** The lines of a text that say something. @param {string} text */
export function lines(text) {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
