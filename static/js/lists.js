// @ts-check
/** Lists of the desk that are searched as somebody types and read part by part, and the place where trouble is told. */
import { $, el, on } from "./dom.js";
import { signInAgain } from "./me.js";

/** How long somebody must pause before what they typed is looked for. */
const PAUSE_MS = 200;

/**
 * A list that is searched as somebody types and read part by part. Gives the function that reads it anew.
 * @param {string} name @param {(question: URLSearchParams) => Promise<any>} read @param {string} key
 * @param {(row: any) => HTMLElement} draw @param {string} none
 */
export function list(name, read, key, draw, none) {
  const form = $(`#${name}-search`);
  const rows = $(`#${name}-rows`);
  let asked = 0;
  /** @type {number|undefined} */
  let timer;
  async function look(cursor = "") {
    const mine = (asked += 1);
    const question = new URLSearchParams(/** @type {any} */ (new FormData(form)));
    if (cursor) question.set("cursor", cursor);
    try {
      const found = await read(question);
      if (mine !== asked) return;
      $("#trouble").replaceChildren();
      const drawn = found[key].map(draw);
      if (cursor) rows.append(...drawn);
      else rows.replaceChildren(...(drawn.length > 0 ? drawn : [el("tr", {}, el("td", { colspan: "5", class: "soft" }, none))]));
      const more = el("button", { class: "button", type: "button", on: { click: () => look(found.next_cursor) } }, "Show more");
      $(`#${name}-more`).replaceChildren(...(found.next_cursor ? [more] : []));
      if (cursor) drawn[0]?.querySelector("button, a")?.focus();
    } catch (cause) {
      trouble(cause);
    }
  }
  const soon = () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => look(), PAUSE_MS);
  };
  on(form, "input", soon);
  on(form, "submit", (event) => {
    event.preventDefault();
    look();
  });
  return () => look();
}

/** Tells what went wrong; who is signed out signs in again. @param {any} cause */
export function trouble(cause) {
  if (cause.status === 401) return signInAgain();
  $("#trouble").replaceChildren(el("div", { class: "calm" }, el("p", {}, cause.message), cause.requestId ? el("p", { class: "small soft" }, `Request ${cause.requestId}`) : null));
}
