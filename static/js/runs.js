// @ts-check
/** Runs of a source: their states in words, how far one has come, and what each did. */
import { counted, el } from "./dom.js";
import { exactly, lasted } from "./when.js";

const STATES = /** @type {{[state: string]: [string, string]}} */ ({
  running: ["Running", "is-running"],
  succeeded: ["Succeeded", "is-good"],
  incomplete: ["Incomplete", "is-bad"],
  failed: ["Failed", "is-bad"],
  held: ["Waiting for you", "is-bad"],
  stopped: ["Stopped", ""],
});

/** The phases of a run, in their order. @type {[string, string][]} */
const PHASES = [
  ["connecting", "Connecting"],
  ["news", "What is new"],
  ["people", "People and groups"],
  ["permissions", "Permissions of spaces"],
  ["listing", "Listing pages"],
  ["index", "Readers and removals"],
  ["content", "Text"],
];

const MODES = /** @type {{[mode: string]: string}} */ ({ full: "everything", changes: "what changed", permissions: "permissions", news: "what is new" });

/** How a run stands. @param {any} run `undefined` where none was made yet */
export function stateOf(run) {
  const [words, kind] = run ? (STATES[run.state] ?? [run.state, ""]) : ["Not run yet", ""];
  return el("span", { class: `state ${kind}` }, words);
}

/** @param {string} phase */
export function phaseWords(phase) {
  return PHASES.find(([known]) => known === phase)?.[1] ?? phase;
}

/** @param {string} mode */
export function modeWords(mode) {
  return MODES[mode] ?? mode;
}

/** What a run changed, in one line. @param {any} run */
export function changes(run) {
  const parts = [
    [run.added, "added"],
    [run.changed, "changed"],
    [run.removed, "deleted"],
    [run.reclassed, "with other readers"],
  ].filter(([number]) => number > 0);
  return parts.length > 0 ? parts.map(([number, words]) => `${number.toLocaleString()} ${words}`).join(", ") : "no changes";
}

/** How far the run at work has come. @param {any} run @param {any} estimate @param {Date} now */
export function drawProgress(run, estimate, now) {
  const phases = PHASES.filter(([phase]) => (phase !== "content" || run.mode !== "permissions") && (phase !== "news" || run.mode === "news"));
  const at = phases.findIndex(([phase]) => phase === run.phase);
  const steps = phases.map(([phase, words], place) => {
    const begun = run.phases.find((/** @type {any} */ one) => one.phase === phase);
    const [kind, mark] = place < at ? ["is-done", "Done"] : place === at ? ["is-here", "Now"] : ["", "To come"];
    return el(
      "li",
      { class: `phase-step ${kind}`, "aria-current": place === at ? "step" : null },
      el("span", { class: "unseen" }, `${mark}: `),
      el("span", { class: "phase-name" }, words),
      el("span", { class: "soft" }, stepWords(run, phase, begun, place === at, now)),
    );
  });
  return [
    el("ol", { class: "phase-steps", role: "list", "aria-label": "Phases of the run" }, steps),
    run.to_read > 0 && el("progress", { class: "bar", max: run.to_read, value: run.read, "aria-label": "Documents whose text was read" }),
    el("p", { class: "small" }, [`${counted(run.seen, "document")} seen`, changes(run), run.failures.length > 0 && `${run.failures.length} not read`].filter(Boolean).join(" · ")),
    estimate && el("p", { class: "small soft" }, estimate.text),
  ].filter(Boolean);
}

/** @param {any} run @param {string} phase @param {any} begun @param {boolean} isHere @param {Date} now */
function stepWords(run, phase, begun, isHere, now) {
  if (!begun) return "";
  const time = begun.took_ms === null ? (isHere ? lasted(now.getTime() - new Date(begun.began_at).getTime()) : "") : lasted(begun.took_ms);
  const count = phase === "content" && run.to_read > 0 ? `${run.read.toLocaleString()} of ${run.to_read.toLocaleString()}` : phase === "listing" && isHere ? run.seen.toLocaleString() : "";
  return [count, time].filter(Boolean).join(", ");
}

/**
 * The rows of a table of runs: one for each, and below it one with its phases and failures, which a button opens.
 * @param {any[]} runs @param {Set<string>} opened the times at which those began whose rows are open
 */
export function drawRuns(runs, opened) {
  return runs.flatMap((run) => {
    const id = `run-${run.began_at}`;
    const isOpen = opened.has(run.began_at);
    const more = el("tr", { class: "run-more", id, hidden: !isOpen }, el("td", { colspan: "9" }, el("div", { class: "run-words" }, drawMore(run))));
    const failed = run.failures.length;
    const button = el(
      "button",
      { class: "more", type: "button", id: `open-${id}`, "aria-expanded": String(isOpen), "aria-controls": id },
      failed > 0 ? counted(failed, "failure") : "Details",
      el("span", { class: "unseen" }, ` of the run of ${exactly(run.began_at)}`),
    );
    button.addEventListener("click", () => {
      more.hidden = !more.hidden;
      button.setAttribute("aria-expanded", String(!more.hidden));
      if (more.hidden) opened.delete(run.began_at);
      else opened.add(run.began_at);
    });
    const took = run.ended_at ? lasted(new Date(run.ended_at).getTime() - new Date(run.began_at).getTime()) : "";
    const number = (/** @type {number} */ count) => el("td", { class: count > 0 ? "is-number" : "is-number soft" }, count.toLocaleString());
    return [
      el(
        "tr",
        {},
        el("th", { scope: "row" }, exactly(run.began_at), run.number > 0 && el("span", { class: "soft" }, ` · ${run.number}`)),
        el("td", {}, stateOf(run)),
        el("td", {}, modeWords(run.mode)),
        el("td", { class: "is-number" }, took),
        number(run.added),
        number(run.changed),
        number(run.removed),
        number(run.reclassed),
        el("td", {}, button),
      ),
      more,
    ];
  });
}

/** @param {any} run */
function drawMore(run) {
  const phases = run.phases.filter((/** @type {any} */ one) => one.took_ms !== null).map((/** @type {any} */ one) => `${phaseWords(one.phase)} ${lasted(one.took_ms)}`);
  const read = run.to_read > 0 ? `, text of ${run.read.toLocaleString()} of ${run.to_read.toLocaleString()} read` : "";
  return [
    el("p", {}, `${counted(run.seen, "document")} seen${read}.`, phases.length > 0 && el("span", { class: "soft" }, ` ${phases.join(" · ")}`)),
    run.failures.length > 0 && drawFailures(run.failures, "What could not be read in this run"),
  ].filter(Boolean);
}

/** What could not be read, why, and what to do about it. @param {any[]} failures @param {string} label */
export function drawFailures(failures, label) {
  const rows = failures.map((one) =>
    el("tr", {}, el("th", { scope: "row" }, one.what || "The whole source"), el("td", {}, sentence(one.cause), el("div", { class: "soft" }, one.code)), el("td", {}, sentence(one.remedy))),
  );
  return el(
    "div",
    { class: "wide", tabindex: "0", role: "region", "aria-label": `${label}, table` },
    el("table", { class: "failure-table" }, el("thead", {}, el("tr", {}, ["What", "Cause", "Remedy"].map((words) => el("th", { scope: "col" }, words)))), el("tbody", {}, rows)),
  );
}

/** Words of the server as a sentence. @param {string} words */
export function sentence(words) {
  const whole = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}
