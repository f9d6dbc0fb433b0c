// @ts-check
/** How much is asked: numbers in tables, a bar beside those that compare. */
import { analytics } from "./api.js";
import { $, counted, el } from "./dom.js";
import { REASONS } from "./feedback.js";
import { say } from "./status.js";
import { bar, table, told } from "./tables.js";
import { calm, trouble } from "./trouble.js";
import { day, lasted, roughly } from "./when.js";

const DAYS = 28;

/** Feedback codes in words; another stands as it is. */
const CODES = Object.fromEntries([...REASONS.up, ...REASONS.down]);

look();

async function look() {
  try {
    const found = await analytics(DAYS);
    calm();
    draw(found);
    say("The numbers are ready.");
  } catch (cause) {
    for (const place of ["days", "groups", "thought"]) $(`#${place}-found`).replaceChildren();
    trouble(cause);
  }
}

/** @param {any} found */
function draw(found) {
  $("#as-of").textContent = `As of ${roughly(found.at)}.`;
  if (!found.is_on) {
    const off = () => el("p", {}, "Nothing is counted: keep_days under [analytics] is 0.");
    for (const place of ["days", "groups", "thought"]) $(`#${place}-found`).replaceChildren(off());
    return;
  }
  $("#days-found").replaceChildren(...byDay(found));
  $("#groups-found").replaceChildren(...byGroup(found));
  $("#thought-found").replaceChildren(...thought(found.days));
}

/** @param {any} found */
function byDay(found) {
  if (found.days.length === 0) return [el("p", {}, "No day is over yet on which somebody asked. The first numbers stand here tomorrow.")];
  const most = Math.max(1, ...found.days.map((/** @type {any} */ one) => one.questions ?? 0));
  const rows = found.days.map((/** @type {any} */ one) => [
    date(one.day),
    [el("span", { class: "share-row" }, told(one.questions), one.questions !== null && bar(one.questions / most))],
    [told(one.people), el("span", { class: "soft" }, ` of ${one.seats.toLocaleString()}`)],
    told(one.answered),
    told(one.refused),
    told(one.stopped),
    told(one.failed),
    took(one.first_sentence),
    took(one.answer),
  ]);
  const columns = [{ words: "Day (UTC)" }, { words: "Questions", number: true }, { words: "People who asked", number: true }, { words: "Answered", number: true }, { words: "Declined", number: true }, { words: "Stopped", number: true }, { words: "Failed", number: true }, { words: "First sentence", number: true }, { words: "Whole answer", number: true }];
  return [
    table("Use by day", columns, rows),
    el("p", { class: "small soft" }, `Times are those within which half, and 95 of a hundred, came. "few" stands for a number with fewer than ${found.people_min} people behind it, or from which one could be worked out. Numbers are kept for ${counted(found.keep_days, "day")}.`),
  ];
}

/** @param {any} found */
function byGroup(found) {
  if (found.groups.length === 0) return [el("p", {}, `No group can be told of yet: on each day at least ${found.people_min} people of it must have asked, and as many outside of it, or nobody.`)];
  const most = Math.max(1, ...found.groups.map((/** @type {any} */ one) => one.questions));
  const rows = found.groups.map((/** @type {any} */ one) => [
    one.name ?? "a group that is gone",
    [el("span", { class: "share-row" }, told(one.questions), bar(one.questions / most))],
    one.days.length.toLocaleString(),
    Math.max(...one.days.map((/** @type {any} */ on) => on.people)).toLocaleString(),
  ]);
  return [
    table("Use by group", [{ words: "Group" }, { words: "Questions", number: true }, { words: "On so many days", number: true }, { words: "People on the busiest", number: true }], rows),
    el("p", { class: "small soft" }, "Only days are counted on which the group can be told of. Groups overlap, so they do not add up."),
  ];
}

/** @param {any[]} days */
function thought(days) {
  const sum = (/** @type {string} */ field) => days.reduce((all, one) => all + (one[field] ?? 0), 0);
  const [up, down] = [sum("rated_up"), sum("rated_down")];
  /** @type {{[code: string]: number}} */
  const codes = {};
  for (const one of days) for (const [code, count] of Object.entries(one.codes)) codes[code] = (codes[code] ?? 0) + Number(count);
  if (up + down === 0 && Object.keys(codes).length === 0) return [el("p", {}, "Nothing can be told yet: on no day did five people say the same.")];
  const rows = [["Good", up], ["Not good", down], ...Object.entries(codes).sort(([, a], [, b]) => b - a).map(([code, count]) => [CODES[code] ?? code.replaceAll("_", " "), count])];
  const most = Math.max(1, ...rows.map(([, count]) => Number(count)));
  return [table("What was thought of answers", [{ words: "Said" }, { words: "How often", number: true }], rows.map(([words, count]) => [words, el("span", { class: "share-row" }, count.toLocaleString(), bar(Number(count) / most))]))];
}

/** A day of the server's, which is one of UTC, as this reader writes days. @param {string} text */
function date(text) {
  return day(`${text}T12:00:00Z`);
}

/** @param {{p50_ms: number, p95_ms: number}|null} found */
function took(found) {
  return found ? `${short(found.p50_ms)}, ${short(found.p95_ms)}` : told(null);
}

/** @param {number} ms */
function short(ms) {
  return ms < 10_000 ? `${(ms / 1000).toLocaleString(undefined, { maximumFractionDigits: 1 })} s` : lasted(ms);
}
