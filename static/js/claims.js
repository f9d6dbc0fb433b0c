// @ts-check
/** Sentences with their numbered citations. What the model wrote can only ever be text. */
import { el } from "./dom.js";

/** A longer last word may have to be broken, on a phone. */
const WORD_MAX = 24;

/**
 * One sentence.
 * @param {import("./api.js").Claim} claim
 * @param {(number: number) => import("./api.js").Source|undefined} source
 * @param {(number: number, from: HTMLElement, words: string) => void} open
 */
export function claim(claim, source, open) {
  // In a recalled answer a sentence without citations rests on pages that its reader may not open now.
  if (claim.withheld || claim.citations.length === 0) {
    return el("li", { class: "claim is-withheld" }, claim.text);
  }
  const at = claim.text.lastIndexOf(" ") + 1;
  const numbers = claim.citations.map((number) => citation(number, source(number), (from) => open(number, from, claim.text)));
  // A number at the start of a line would seem to belong to the next sentence, so it stays with the last word.
  const end = el("span", { class: claim.text.length - at <= WORD_MAX ? "claim-end" : null }, claim.text.slice(at), numbers);
  return el("li", { class: "claim", dir: "auto" }, claim.text.slice(0, at), end);
}

/**
 * @param {number} number
 * @param {import("./api.js").Source|undefined} source
 * @param {(from: HTMLElement) => void} open
 */
function citation(number, source, open) {
  const name = source ? `Source ${number}: ${source.title}` : `Source ${number}`;
  const button = el("button", { class: "citation", type: "button", "aria-label": name, title: source?.title }, String(number));
  button.addEventListener("click", () => open(button));
  return button;
}
