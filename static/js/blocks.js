// @ts-check
/** Draws a page's blocks. The server sends words and kinds of block, never markup. */
import { el } from "./dom.js";
import { found, lines, marked } from "./quotes.js";

/**
 * @typedef {{block: "heading", level: number, text: string}
 *   | {block: "paragraph"|"quote", text: string}
 *   | {block: "item", depth: number, number: number|null, done: boolean|null, text: string}
 *   | {block: "table", header: string[], rows: string[][]}
 *   | {block: "code", language: string|null, text: string}} Block
 */

/** @param {Block[]} blocks @param {string[]} quotes words to mark @returns {HTMLElement[]} */
export function drawBlocks(blocks, quotes) {
  const nodes = [];
  for (let at = 0; at < blocks.length; at += 1) {
    const block = blocks[at];
    if (block.block === "item") {
      let end = at + 1;
      while (end < blocks.length && blocks[end].block === "item") end += 1;
      nodes.push(...lists(/** @type {any[]} */ (blocks.slice(at, end)), quotes));
      at = end - 1;
    } else {
      nodes.push(single(block, quotes));
    }
  }
  return nodes;
}

/** @param {any} block @param {string[]} quotes */
function single(block, quotes) {
  const words = () => marked(block.text, found(block.text, quotes));
  switch (block.block) {
    case "heading":
      // The document's title is the dialog's h2, so its headings begin one below.
      return el(`h${Math.min(6, Math.max(1, block.level) + 2)}`, {}, words());
    case "quote":
      return el("blockquote", {}, words());
    case "code":
      return el("pre", { tabindex: "0" }, el("code", {}, words()));
    case "table":
      return table(block, quotes);
    default:
      return el("p", { dir: "auto" }, words());
  }
}

/**
 * Items in a row, nested by their depth.
 * @param {{depth: number, number: number|null, done: boolean|null, text: string}[]} items @param {string[]} quotes
 */
function lists(items, quotes) {
  /** @type {HTMLElement[]} */
  const roots = [];
  /** @type {{depth: number, ordered: boolean, list: HTMLElement}[]} */
  let open = [];
  for (const item of items) {
    const ordered = typeof item.number === "number";
    open = open.filter((level) => level.depth < item.depth || (level.depth === item.depth && level.ordered === ordered));
    let level = open.at(-1);
    if (!level || level.depth < item.depth) {
      const list = el(ordered ? "ol" : "ul", ordered && item.number !== 1 ? { start: item.number } : {});
      const parent = level?.list.lastElementChild;
      if (parent) parent.append(list);
      else roots.push(list);
      level = { depth: item.depth, ordered, list };
      open.push(level);
    }
    const state = item.done === null || item.done === undefined ? null : item.done ? "Done: " : "To do: ";
    level.list.append(el("li", { dir: "auto" }, state && el("span", { class: "soft" }, state), marked(item.text, found(item.text, quotes))));
  }
  return roots;
}

/** @param {{header: string[], rows: string[][]}} block @param {string[]} quotes */
function table(block, quotes) {
  const head = block.header.length > 0 ? el("thead", {}, el("tr", {}, block.header.map((cell) => el("th", { scope: "col" }, cell)))) : null;
  const rows = block.rows.map((row) => {
    // In a passage a row is one line, `column: value; …`, so a quote of that line is a quote of the row's cells.
    const line = row.map((cell, at) => (block.header[at] ? `${block.header[at]}: ${cell}` : cell)).join("; ");
    const hit = lines(quotes).find((quote) => line.includes(quote) || quote.includes(line));
    return el("tr", {}, row.map((cell) => el("td", { dir: "auto" }, hit && cell && hit.includes(cell) ? marked(cell, [[0, cell.length]]) : cell)));
  });
  return el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Table" }, el("table", {}, head, el("tbody", {}, rows)));
}
