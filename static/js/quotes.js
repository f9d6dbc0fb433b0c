// @ts-check
/** Marks quoted words. Ranges are UTF-16 code units, which is how JavaScript counts. */
import { el } from "./dom.js";

/**
 * The text as nodes, with what the ranges cover in `mark`. Ranges that do not fit the text are left out, never stretched.
 * @param {string} text @param {[number, number][]} ranges
 * @returns {(string|HTMLElement)[]}
 */
export function marked(text, ranges) {
  /** @type {(string|HTMLElement)[]} */
  const nodes = [];
  let at = 0;
  for (const [start, end] of [...ranges].sort((a, b) => a[0] - b[0])) {
    if (start < at || end <= start || end > text.length) continue;
    if (start > at) nodes.push(text.slice(at, start));
    nodes.push(el("mark", { tabindex: "-1" }, text.slice(start, end)));
    at = end;
  }
  if (at < text.length) nodes.push(text.slice(at));
  return nodes;
}

/** The quoted words themselves. @param {{text: string, quotes: [number, number][]}} passage */
export function quoted(passage) {
  return passage.quotes.map(([start, end]) => passage.text.slice(start, end)).filter((words) => words.trim() !== "");
}

/**
 * Where the quoted words stand in another text (a block of the whole page). A quote can reach over several lines of
 * its passage, and each line is a block of its own, so lines are looked for one by one.
 * @param {string} text @param {string[]} quotes
 * @returns {[number, number][]}
 */
export function found(text, quotes) {
  /** @type {[number, number][]} */
  const ranges = [];
  for (const line of lines(quotes)) {
    const at = text.indexOf(line);
    if (at >= 0) ranges.push([at, at + line.length]);
    else if (line.includes(text) && text.trim().length >= SHORTEST) ranges.push([0, text.length]);
  }
  return ranges;
}

/** Shorter pieces would be found everywhere. */
const SHORTEST = 3;

/** @param {string[]} quotes */
export function lines(quotes) {
  return quotes
    .flatMap((quote) => quote.split("\n"))
    .map((line) => line.trim())
    .filter((line) => line.length >= SHORTEST);
}
