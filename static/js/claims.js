// @ts-check
/** Sentences with their numbered citations. What the model wrote can only ever be text. */
import { el } from "./dom.js";

/**
 * One sentence.
 * @param {import("./api.js").Claim} claim
 * @param {(number: number) => import("./api.js").Source|undefined} source
 * @param {(number: number, from: HTMLElement) => void} open
 */
export function claim(claim, source, open) {
  // In a recalled answer a sentence without citations rests on pages that its reader may not open now.
  if (claim.withheld || claim.citations.length === 0) {
    return el("li", { class: "claim is-withheld" }, claim.text);
  }
  const text = el("span", { dir: "auto" }, claim.text);
  return el("li", { class: "claim" }, text, claim.citations.map((number) => citation(number, source(number), open)));
}

/**
 * @param {number} number
 * @param {import("./api.js").Source|undefined} source
 * @param {(number: number, from: HTMLElement) => void} open
 */
function citation(number, source, open) {
  const name = source ? `Source ${number}: ${source.title}` : `Source ${number}`;
  const button = el("button", { class: "citation", type: "button", "aria-label": name, title: source?.title }, String(number));
  button.addEventListener("click", () => open(number, button));
  return button;
}
