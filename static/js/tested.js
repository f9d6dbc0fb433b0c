// @ts-check
/** What a look at a source found: its rights, its counts, or one page with the rule of who may read it. */
import { drawBlocks } from "./blocks.js";
import { counted, el, outward } from "./dom.js";
import { drawFailures, sentence } from "./runs.js";
import { day, exactly } from "./when.js";

const KINDS = /** @type {{[kind: string]: string}} */ ({ page: "Page", blogpost: "Blog post", comment: "Comment", attachment: "Attachment" });

const FATES = /** @type {{[fate: string]: string}} */ ({ read: "what it encloses is read", named: "named, and not followed", dropped: "left out" });

/** @param {{ok: boolean, findings: any[]}} check */
export function drawCheck({ ok, findings }) {
  const wrong = findings.filter((finding) => !finding.ok).length;
  return [
    el("p", { class: "verdict" }, chip(ok, ok ? "Everything a sync needs is there" : `${counted(wrong, "thing")} to mend`)),
    el(
      "ul",
      { role: "list" },
      findings.map((finding) =>
        el(
          "li",
          { class: "health" },
          el("span", { class: "health-word" }, chip(finding.ok, finding.ok ? "Right" : "Missing")),
          el("div", { class: "step" }, el("p", {}, el("strong", {}, sentence(finding.what).slice(0, -1)), `: ${finding.text}.`), finding.remedy && el("p", {}, sentence(finding.remedy))),
        ),
      ),
    ),
  ];
}

/** @param {{spaces: any[], failures: any[]}} preview */
export function drawPreview({ spaces, failures }) {
  const kinds = /** @type {[string, string][]} */ ([["pages", "Pages"], ["blogposts", "Blog posts"], ["comments", "Comments"], ["attachments", "Attachments"]]);
  const sum = (/** @type {"taken"|"left_out"} */ which, /** @type {any} */ space) => kinds.reduce((all, [kind]) => all + space[which][kind], 0);
  const all = spaces.reduce((count, space) => count + sum("taken", space), 0);
  const left = spaces.reduce((count, space) => count + sum("left_out", space), 0);
  const number = (/** @type {number} */ count) => el("td", { class: count > 0 ? "is-number" : "is-number soft" }, count.toLocaleString());
  const rows = spaces.map((space) => el("tr", {}, el("th", { scope: "row" }, space.key, el("div", { class: "soft" }, space.name)), kinds.map(([kind]) => number(space.taken[kind])), number(sum("left_out", space))));
  const table = el(
    "div",
    { class: "wide", tabindex: "0", role: "region", "aria-label": "Counts of each space, table" },
    el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Space"), kinds.map(([, words]) => el("th", { scope: "col", class: "is-number" }, words)), el("th", { scope: "col", class: "is-number" }, "Left out"))), el("tbody", {}, rows)),
  );
  return [
    el("p", { class: "verdict" }, `${counted(all, "document")} from ${counted(spaces.length, "space")}; ${left.toLocaleString()} left out by the settings or of a kind that is not read.`),
    spaces.length > 0 && table,
    failures.length > 0 && drawFailures(failures, "What could not be counted"),
  ].filter(Boolean);
}

/** @param {any} test */
export function drawTest({ at, page, failure }) {
  if (!page) return [el("p", { class: "verdict" }, chip(false, "It could not be read")), drawFailures([failure], "Why the page could not be read")];
  return [
    el("p", { class: "verdict" }, chip(page.may_read || null, page.summary)),
    page.left_out && el("p", { class: "verdict" }, chip(null, `It is not taken in: ${page.left_out}.`)),
    el("div", { class: "beside" }, part("What was read", el("dl", { class: "facts" }, facts(page, at))), part("Who may read it", drawRule(page.rule))),
    page.macros.length > 0 && part("Macros", el("ul", { class: "macros", role: "list" }, page.macros.map(drawMacro))),
    page.failures.length > 0 && part("Not read", drawFailures(page.failures, "What could not be read of this page")),
    page.shown && part("The page, as it is kept", drawPage(page.shown, page)),
  ].filter(Boolean);
}

/** @param {string} head @param {any} body */
function part(head, body) {
  return el("div", { class: "setting-part" }, el("h3", {}, head), body);
}

/** @param {any} page @param {string} at */
function facts(page, at) {
  const kept = page.kept_version === null ? "none is in the index" : page.kept_version === page.version ? "the same as in the index" : `the index has ${page.kept_version} until the next sync`;
  return [
    ["Document", page.document_id],
    ["Kind", KINDS[page.kind] ?? page.kind],
    ["Space", page.space],
    ["Version", `${page.version}, ${kept}`],
    ["Changed", day(page.updated_at)],
    ["Made", page.created_at ? day(page.created_at) : "not known, or not kept"],
    ["Extracted", `${counted(page.words, "word")} in ${counted(page.blocks, "block")}, cut into ${counted(page.passages, "passage")}`],
    ["Beside them", `${counted(page.links, "link")}, ${counted(page.labels, "label")}, ${counted(page.above, "page")} above it`],
    ["Read", exactly(at)],
  ].map(([name, words]) => el("div", { class: "fact" }, el("dt", {}, name), el("dd", {}, words)));
}

/** @param {any[]} rule */
function drawRule(rule) {
  return [
    el("p", { class: "small soft" }, "All of these must hold, as they were read just now."),
    el(
      "ol",
      { role: "list" },
      rule.map((condition) => el("li", { class: "health" }, el("span", { class: "health-word" }, chip(condition.is_met, condition.is_met ? "You pass" : condition.is_known ? "Not you" : "Nobody")), el("p", { class: "step" }, condition.text))),
    ),
  ];
}

/** @param {any} one */
function drawMacro(one) {
  return el("li", {}, one.name === null ? el("span", {}, "one that is not known here") : el("code", {}, one.name), el("span", { class: "soft" }, `${one.count > 1 ? ` × ${one.count}` : ""}: ${FATES[one.fate] ?? one.fate}`));
}

/** @param {any} shown @param {any} page */
function drawPage(shown, page) {
  const original = outward(shown.url);
  const people = [shown.author && `changed by ${shown.author}`, shown.creator && `made by ${shown.creator}`, `updated ${day(page.updated_at)}`].filter(Boolean);
  return el(
    "article",
    { class: "kept-page", "aria-label": shown.title, tabindex: "0" },
    el("h4", { class: "kept-title" }, shown.title),
    el("p", { class: "source-meta" }, [shown.space.name, ...people].join(" · ")),
    original && el("p", { class: "source-meta" }, el("a", { href: original, target: "_blank", rel: "noopener noreferrer" }, "Open original", el("span", { class: "unseen" }, " (new tab)"))),
    shown.labels.length > 0 && el("ul", { class: "labels", "aria-label": "Labels" }, shown.labels.map((/** @type {string} */ label) => el("li", {}, label))),
    el("div", { class: "prose" }, shown.content.length > 0 ? drawBlocks(shown.content, []) : el("p", { class: "soft" }, "It has no words.")),
  );
}

/** @param {boolean|null} good `null` for what is only worth knowing @param {string} words */
function chip(good, words) {
  return el("span", { class: `state ${good === null ? "is-note" : good ? "is-good" : "is-bad"}` }, words);
}
