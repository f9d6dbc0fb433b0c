// @ts-check
/** What a person thinks of an answer. The words are sealed with their history; nobody else reads them. */
import { rate } from "./api.js";
import { el, icon, iconButton } from "./dom.js";
import { say } from "./status.js";

export const REASONS = {
  up: [
    ["right", "Right"],
    ["complete", "Complete"],
    ["clear", "Clear"],
    ["good_sources", "Good sources"],
  ],
  down: [
    ["wrong", "Wrong"],
    ["incomplete", "Incomplete"],
    ["outdated", "Out of date"],
    ["wrong_sources", "Wrong sources"],
    ["off_topic", "Not what I asked"],
    ["unclear", "Hard to follow"],
    ["should_have_answered", "It is in our pages"],
    ["other", "Something else"],
  ],
};

/**
 * Two buttons, and the form that they open.
 * @param {string} message @param {import("./api.js").Feedback|null|undefined} kept
 */
export function feedback(message, kept) {
  const place = el("div", {});
  const up = iconButton("up", "Good answer", () => press("up"), { "aria-pressed": String(kept?.rating === "up") });
  const down = iconButton("down", "Poor answer", () => press("down"), { "aria-pressed": String(kept?.rating === "down") });
  return { buttons: [up, down], place };

  /** @param {"up"|"down"} rating */
  async function press(rating) {
    if (!(await send({ rating, reasons: [] }))) return;
    up.setAttribute("aria-pressed", String(rating === "up"));
    down.setAttribute("aria-pressed", String(rating === "down"));
    const node = form(rating);
    place.replaceChildren(node);
    node.querySelector("input")?.focus({ preventScroll: true });
    node.scrollIntoView({ block: "nearest" });
  }

  /** @param {"up"|"down"} rating */
  function form(rating) {
    const id = `comment-${message}`;
    const comment = el("textarea", { class: "field", id, rows: "2", maxlength: "2000" });
    const close = () => {
      place.replaceChildren();
      (rating === "up" ? up : down).focus();
    };
    const node = el(
      "form",
      { class: "feedback" },
      el(
        "fieldset",
        {},
        el("legend", {}, rating === "up" ? "What was good about it?" : "What was wrong with it?"),
        el("div", { class: "reasons" }, REASONS[rating].map(([code, words]) => el("label", { class: "reason" }, el("input", { type: "checkbox", name: "reason", value: code }), words))),
      ),
      el("div", {}, el("label", { for: id }, "In your own words, if you like"), comment),
      el("p", { class: "small soft" }, "Administrators see the reasons you tick, never your words: those are kept encrypted with your history."),
      el("div", { class: "row is-end" }, el("button", { class: "button", type: "button", on: { click: close } }, "Close"), el("button", { class: "button is-main", type: "submit" }, "Send")),
    );
    node.addEventListener("submit", async (/** @type {Event} */ event) => {
      event.preventDefault();
      const reasons = new FormData(node).getAll("reason").map(String);
      const words = comment.value.trim();
      if (!(await send({ rating, reasons, ...(words && { comment: words }) }))) return;
      close();
      say("Thank you. Your feedback is kept.");
      place.replaceChildren(el("p", { class: "aside row" }, icon("check"), "Thank you. Your feedback is kept."));
    });
    node.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      close();
    });
    return node;
  }

  /** @param {import("./api.js").Feedback} given */
  async function send(given) {
    try {
      await rate(message, given);
      return true;
    } catch (cause) {
      const words = `Your feedback was not kept. ${/** @type {Error} */ (cause).message}`;
      say(words);
      place.replaceChildren(el("p", { class: "aside" }, words));
      return false;
    }
  }
}
