// @ts-check
/** What went wrong, in its place on a page of the desk. */
import { $, el } from "./dom.js";
import { signInAgain } from "./me.js";

/** Says it; who is signed out is sent to sign in. @param {any} cause @param {string} [place] */
export function trouble(cause, place = "#trouble") {
  if (cause.status === 401) return signInAgain();
  $(place).replaceChildren(el("div", { class: "calm" }, el("p", {}, cause.message), cause.requestId ? el("p", { class: "small soft" }, `Request ${cause.requestId}`) : null));
}

/** Takes it away. @param {string} [place] */
export function calm(place = "#trouble") {
  $(place).replaceChildren();
}
