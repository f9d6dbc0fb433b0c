// @ts-check
/** The source panel: what an answer cites, with the quoted words marked in their passages. */
import { copy, quotation } from "./copy.js";
import { $, counted, el, icon, iconButton, outward } from "./dom.js";
import { why } from "./proof.js";
import { marked, quoted } from "./quotes.js";
import { read } from "./reader.js";
import { day, exactly } from "./when.js";

/** @typedef {import("./api.js").Source} Source */

const NARROW = matchMedia("(max-width: 767.98px)");

/** What had the focus before the panel was opened; it gets it back. @type {HTMLElement|null} */
let from = null;

/**
 * Opens the panel at a source and moves the focus to its quoted words.
 * @param {Source[]} sources @param {number} number @param {HTMLElement} opener
 * @param {string} [words] the sentence that cites it: of several quotes, the one that is nearest to it gets the focus
 */
export function openSources(sources, number, opener, words = "") {
  from?.setAttribute("aria-expanded", "false");
  from = opener;
  opener.setAttribute("aria-expanded", "true");
  const panel = $("#panel");
  const cards = sources.map((source) => card(source, source.number === number));
  panel.replaceChildren(
    el(
      "div",
      { class: "panel-head" },
      el("h2", { class: "panel-title" }, counted(sources.length, "source")),
      iconButton("close", "Close the sources", closeSources),
    ),
    el("div", { class: "panel-body" }, el("ol", { role: "list" }, cards)),
  );
  panel.hidden = false;
  $("#desk").classList.add("has-panel");
  hold();
  const here = cards[sources.findIndex((source) => source.number === number)];
  here?.scrollIntoView({ block: "start" });
  const target = nearest([...(here?.querySelectorAll("mark") ?? [])], words) ?? here?.querySelector("h3");
  target?.focus({ preventScroll: true });
  target?.scrollIntoView({ block: "nearest" });
}

/** Closes the panel and gives the focus back. */
export function closeSources() {
  const panel = $("#panel");
  if (panel.hidden) return false;
  panel.hidden = true;
  panel.replaceChildren();
  $("#desk").classList.remove("has-panel");
  hold();
  from?.setAttribute("aria-expanded", "false");
  if (from?.isConnected) from.focus();
  from = null;
  return true;
}

/** As a sheet the panel covers everything, so nothing behind it may be reached. */
function hold() {
  const covered = NARROW.matches && !$("#panel").hidden;
  $("#main").inert = covered;
  $("#sidebar").inert = covered;
}

NARROW.addEventListener("change", hold);

/** The mark that shares most words with the sentence. @param {HTMLElement[]} marks @param {string} words */
function nearest(marks, words) {
  const wanted = new Set(split(words));
  const shared = (/** @type {HTMLElement} */ mark) => split(mark.textContent ?? "").filter((word) => wanted.has(word)).length;
  return marks.reduce((/** @type {HTMLElement|undefined} */ best, mark) => (best && shared(best) >= shared(mark) ? best : mark), undefined);
}

/** @param {string} text */
function split(text) {
  return text.toLocaleLowerCase().split(/[^\p{L}\p{N}]+/u).filter(Boolean);
}

/** Text around the quotes that is shown at first, in code units on each side. */
const AROUND = 160;
/** A passage that would be shortened by less is shown whole. */
const WORTH_CUTTING = 240;

/**
 * The passage with its quotes marked; a long one is cut to what stands around them, until the rest is asked for.
 * @param {import("./api.js").Passage} passage
 */
function excerpt({ text, quotes }) {
  const first = Math.min(...quotes.map(([start]) => start));
  const last = Math.max(...quotes.map(([, end]) => end));
  const start = Math.max(0, text.lastIndexOf(" ", first - AROUND));
  const gap = text.indexOf(" ", last + AROUND);
  const end = gap < 0 ? text.length : gap;
  if (quotes.length === 0 || text.length - (end - start) < WORTH_CUTTING) return marked(text, quotes);
  const moved = quotes.map(([from, to]) => /** @type {[number, number]} */ ([from - start, to - start]));
  const cut = el("span", {}, start > 0 ? "…" : "", marked(text.slice(start, end), moved), end < text.length ? " …" : "");
  const more = el("button", { class: "more", type: "button" }, "Show the whole passage");
  more.addEventListener("click", () => {
    cut.replaceChildren(...marked(text, quotes));
    more.remove();
    cut.querySelector("mark")?.focus({ preventScroll: true });
  });
  return [cut, "\n", more];
}

/** @param {Source} source @param {boolean} here */
function card(source, here) {
  const original = outward(source.url);
  const quotes = source.passages.flatMap(quoted);
  return el(
    "li",
    { class: here ? "source is-here" : "source" },
    el("div", { class: "source-head" }, el("span", { class: "source-number", "aria-hidden": "true" }, String(source.number)), el("h3", { tabindex: "-1" }, el("span", { class: "unseen" }, `Source ${source.number}: `), source.title)),
    el("p", { class: "source-meta" }, `${source.space.name} · updated ${day(source.updated_at)}`),
    el("p", { class: "source-meta" }, source.permissions_as_of ? `Permissions checked ${exactly(source.permissions_as_of)}` : "Permissions are being checked"),
    source.passages.map((passage) =>
      el(
        "blockquote",
        { class: "passage", dir: "auto" },
        passage.under && passage.under.length > 0 ? el("span", { class: "passage-under" }, passage.under.join(" › ")) : null,
        excerpt(passage),
      ),
    ),
    el(
      "div",
      { class: "source-deeds" },
      el("button", { class: "quiet", type: "button", on: { click: () => read(source, quotes) } }, icon("read"), "Read page", el("span", { class: "unseen" }, `: ${source.title}`)),
      original && el("a", { class: "quiet", href: original, target: "_blank", rel: "noopener noreferrer" }, icon("out"), "Open original", el("span", { class: "unseen" }, `: ${source.title} (new tab)`)),
      el("button", { class: "quiet", type: "button", on: { click: () => copy(quotation(source), "Quote copied") } }, icon("quote"), "Copy quote", el("span", { class: "unseen" }, ` from ${source.title}`)),
      el("button", { class: "quiet", type: "button", on: { click: () => why(source.document_id) } }, icon("lock"), "Why can I see this?", el("span", { class: "unseen" }, ` ${source.title}`)),
    ),
  );
}
