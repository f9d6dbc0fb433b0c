// @ts-check
/** One source: how it stands, its runs, looks into it, and its settings. Counts and states; content only as the server gives it. */
import { checkSource, previewSource, source, sourceRuns, stopSync, sync, testPage } from "./api.js";
import { $, el, on } from "./dom.js";
import { signInAgain } from "./me.js";
import { changes, drawProgress, drawRuns, modeWords, phaseWords, stateOf } from "./runs.js";
import { drawFields, drawParts } from "./settings.js";
import { edit, remove } from "./source-edit.js";
import { say } from "./status.js";
import { drawCheck, drawPreview, drawTest } from "./tested.js";
import { age, roughly } from "./when.js";

/** How often the page asks: while a sync runs, and otherwise. */
const BUSY_MS = 2000;
const CALM_MS = 15_000;

const NAME = decodeURIComponent(location.pathname.split("/").pop() ?? "");

/** What is drawn, as text: a part is drawn anew only when it has changed, so that focus and selection stay. @type {{[part: string]: string}} */
const drawn = {};

/** Runs whose details are open. @type {Set<string>} */
const opened = new Set();

/** The phase that was said last. */
let said = "";

/** Whether the last run waits for a word on removals. */
let isHeld = false;

/** The source as it was told last. @type {any} */
let shown = null;

/** Whether its settings are being changed. */
let isEditing = false;

/** @type {number|undefined} */
let timer;

$("#name").textContent = NAME;
document.title = `${NAME} · Sotto`;
look();
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) look();
});
on($("#sync-form"), "submit", (event) => {
  event.preventDefault();
  begin();
});
on($("#stop"), "click", halt);
on($("#check"), "click", () => take($("#check"), $("#checked"), "Testing each right of the crawler's account", () => checkSource(NAME), drawCheck));
on($("#count"), "click", () => take($("#count"), $("#counted"), "Listing every space", () => previewSource(NAME), drawPreview));
on($("#edit"), "click", () => {
  isEditing = true;
  $("#change").hidden = true;
  $("#parts").hidden = true;
  edit(shown, () => {
    isEditing = false;
    $("#change").hidden = false;
    $("#parts").hidden = false;
    $("#edit").focus();
    look();
  });
});
on($("#remove"), "click", () => remove(NAME, $("#removed")));
on($("#test-form"), "submit", (event) => {
  event.preventDefault();
  take($("#try"), $("#tested"), "Reading the page and who may read it", () => testPage(NAME, $("#page-address").value), drawTest);
});

async function look() {
  clearTimeout(timer);
  let busy = false;
  try {
    const [detail, { runs }] = await Promise.all([source(NAME), sourceRuns(NAME)]);
    $("#trouble").replaceChildren();
    draw(detail, runs);
    busy = detail.at_work !== "no";
  } catch (cause) {
    if (!tell(cause)) return;
  }
  if (!document.hidden) timer = window.setTimeout(look, busy ? BUSY_MS : CALM_MS);
}

/** Says what went wrong; false where the page is left. @param {any} problem */
function tell(problem) {
  if (problem.status === 401) {
    signInAgain();
    return false;
  }
  const isNone = problem.status === 404;
  for (const part of document.querySelectorAll("main > section, main > dl")) /** @type {any} */ (part).hidden = isNone;
  if (isNone) $("#address").textContent = "";
  const words = isNone ? `There is no source ${NAME}, or you may not administer it.` : problem.message;
  $("#trouble").replaceChildren(el("div", { class: "calm" }, el("p", {}, words), problem.requestId ? el("p", { class: "small soft" }, `Request ${problem.requestId}`) : null));
  return true;
}

/** Draws a part where what it shows has changed. @param {string} part @param {any} shows @param {() => any[]} make */
function redraw(part, shows, make) {
  const text = JSON.stringify(shows);
  if (text === drawn[part]) return;
  drawn[part] = text;
  const focused = document.activeElement?.id;
  $(`#${part}`).replaceChildren(...make());
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

/** @param {any} detail @param {any[]} runs */
function draw(detail, runs) {
  const now = new Date();
  const { run, at_work: work } = detail;
  const next = detail.upcoming[0];
  isHeld = work === "no" && run?.state === "held";
  $("#address").textContent = detail.url;
  redraw("state", [work, run?.state], () => [work === "waiting" ? el("span", { class: "state is-running" }, "Waiting for its turn") : work === "stopping" ? el("span", { class: "state is-running" }, "Stopping") : stateOf(run)]);
  redraw("counts", [detail, Math.floor(now.getTime() / 30_000)], () => [
    count("Documents", detail.documents.toLocaleString()),
    run?.state === "running" ? count("This run began", roughly(run.began_at), modeWords(run.mode)) : count("Last run", run ? roughly(run.ended_at) : "never", run && changes(run)),
    count("Next run", work === "no" ? (next ? (new Date(next.at) <= now ? "due now" : roughly(next.at)) : "on demand") : "after this one", work === "no" && next && modeWords(next.mode)),
    count("Permissions read", age(detail.permissions_as_of, now), detail.is_stale && "too old: it answers nothing"),
  ]);
  redraw("running", [run, work, detail.estimate, work === "running" && now.getTime()], () => progress(detail, now));
  redraw("upcoming", [detail.upcoming, work], () => upcoming(detail));
  redraw("run-rows", runs, () => (runs.length > 0 ? drawRuns(runs, opened) : [el("tr", {}, el("td", { colspan: "9", class: "soft" }, "There was no run yet."))]));
  redraw("parts", detail.settings, () => drawParts(detail.settings));
  redraw("field-rows", detail.fields, () => drawFields(detail.fields));
  const isFixed = detail.locked_by === "file";
  $("#locked").textContent = isFixed ? "Locked: they stand in the settings file, and are changed there." : "Made here, and in force as soon as they are saved.";
  shown = detail;
  if (!isEditing) $("#change").hidden = isFixed;
  const begins = $("#begin");
  begins.hidden = work !== "no";
  $("#how-much").hidden = work !== "no";
  begins.textContent = isHeld ? "Remove and sync" : "Sync now";
  const stops = $("#stop");
  const hadFocus = document.activeElement === stops && work === "no";
  stops.hidden = work === "no";
  if (hadFocus) begins.focus();
  stops.disabled = work === "stopping";
  stops.textContent = work === "stopping" ? "Stopping" : "Stop";
  announce(work, run);
}

/** Tells a screen reader of a new phase, once. @param {string} work @param {any} run */
function announce(work, run) {
  const words = work === "running" ? phaseWords(run.phase) : work === "no" && said ? `The run has ended: ${stateOf(run).textContent}, ${changes(run)}.` : "";
  if (words && words !== said) say(words);
  said = work === "no" ? "" : words || said;
}

/** @param {string} words @param {string} value @param {string|false|null|undefined} [more] */
function count(words, value, more) {
  return el("div", { class: "count" }, el("dt", {}, words), el("dd", {}, value), more && el("dd", { class: "count-more" }, more));
}

/** @param {any} detail @param {Date} now */
function progress({ run, at_work: work, estimate }, now) {
  if (work === "waiting") return [el("p", { class: "small" }, "It begins when another source's run, or the reading of passages for meaning, has ended.")];
  if (work !== "no" && run) return drawProgress(run, estimate, now);
  if (isHeld) {
    const held = run.failures.find((/** @type {any} */ one) => one.code === "removal_held");
    return [el("div", { class: "calm" }, el("p", {}, `The last run was held: ${held?.cause ?? "it would have removed too much"}. Look whether the crawler's account lost a right. If the pages are really gone, press Remove and sync.`))];
  }
  return [];
}

/** @param {any} detail */
function upcoming({ upcoming: runs }) {
  if (runs.length === 0) return [el("p", { class: "small soft" }, "It is read on demand only.")];
  return [el("p", { class: "small soft" }, "Next: ", runs.map((/** @type {any} */ one) => `${roughly(one.at)} ${modeWords(one.mode)}`).join(" · "))];
}

async function begin() {
  $("#begin").disabled = true;
  try {
    await sync(NAME, isHeld, $("#mode").value);
    say(`A sync of ${NAME} has begun.`);
  } catch (cause) {
    tell(cause);
  }
  $("#begin").disabled = false;
  await look();
  // The button that was pressed is gone; what ends its deed stands in its place.
  if (!$("#stop").hidden) $("#stop").focus();
}

async function halt() {
  $("#stop").disabled = true;
  try {
    await stopSync(NAME);
    say("The run stops at its next step. What was read until then is kept.");
  } catch (cause) {
    tell(cause);
  }
  await look();
}

/**
 * Takes one look at the source: a sentence stands where its result will, until it is there.
 * @param {any} button @param {any} place @param {string} words @param {() => Promise<any>} deed @param {(found: any) => any[]} make
 */
async function take(button, place, words, deed, make) {
  button.disabled = true;
  place.setAttribute("aria-busy", "true");
  place.replaceChildren(el("p", { class: "phase" }, `${words}.`));
  say(words);
  try {
    const found = make(await deed());
    place.replaceChildren(...found);
    say(place.querySelector(".verdict")?.textContent ?? "It is done.");
  } catch (cause) {
    const problem = /** @type {import("./api.js").Problem} */ (cause);
    if (problem.status === 401) return signInAgain();
    place.replaceChildren(el("div", { class: "calm" }, el("p", {}, problem.message), problem.requestId && problem.status >= 500 ? el("p", { class: "small soft" }, `Request ${problem.requestId}`) : null));
    say(problem.message);
  } finally {
    place.removeAttribute("aria-busy");
    button.disabled = false;
    if (document.activeElement === document.body) button.focus();
  }
}
