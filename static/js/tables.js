// @ts-check
/** Tables of the desk: a caption for those who do not see it, columns, rows; numbers to the end, with a bar where they compare. */
import { el } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * @typedef {{words: string, number?: boolean, unseen?: boolean}} Column
 * @param {string} name @param {Column[]} columns @param {any[][]} rows the first cell of each is its heading
 */
export function table(name, columns, rows) {
  const head = columns.map(({ words, number, unseen }) => el("th", { scope: "col", class: number ? "is-number" : null }, unseen ? el("span", { class: "unseen" }, words) : words));
  const cell = (/** @type {any} */ content, /** @type {number} */ at) => (at === 0 ? el("th", { scope: "row" }, content) : el("td", { class: columns[at].number ? "is-number" : null }, content));
  const body = rows.map((row) => el("tr", {}, row.map(cell)));
  return el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": `${name}, table` }, el("table", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, body)));
}

/** A bar beside a number that says the same, so it is for the eye only. @param {number} share 0 to 1 */
export function bar(share) {
  const svg = document.createElementNS(SVG, "svg");
  const whole = Math.max(0, Math.min(1, share)) * 100;
  svg.setAttribute("class", "share");
  svg.setAttribute("aria-hidden", "true");
  for (const [name, width] of [["share-ground", 100], ["share-part", whole]]) {
    const rect = document.createElementNS(SVG, "rect");
    rect.setAttribute("class", String(name));
    rect.setAttribute("width", `${width}%`);
    rect.setAttribute("height", "100%");
    rect.setAttribute("rx", "2");
    svg.append(rect);
  }
  return svg;
}

/** A number that may be too small to be told. @param {number|null|undefined} count */
export function told(count) {
  return count === null || count === undefined ? el("span", { class: "soft" }, "few") : count.toLocaleString();
}
