// @ts-check
/** What support sees: whether the appliance is well. What can be saved here names nobody and nothing. */
import { support } from "./api.js";
import { $, counted, el } from "./dom.js";
import { say } from "./status.js";
import { table } from "./tables.js";
import { calm, trouble } from "./trouble.js";
import { age, roughly } from "./when.js";

/** How much something presses. @type {{[presses: string]: [string, string]}} */
const PRESSES = { now: ["Now", "is-bad"], soon: ["Soon", "is-note"], someday: ["Some day", ""] };

look();

async function look() {
  try {
    const found = await support();
    calm();
    draw(found);
    say("The state is ready.");
  } catch (cause) {
    for (const place of ["todo", "sources", "events", "settings"]) $(`#${place}-found`).replaceChildren();
    trouble(cause);
  }
}

/** @param {any} found */
function draw(found) {
  const now = new Date();
  $("#as-of").textContent = `As of ${roughly(found.at)}.`;
  $("#todo-found").replaceChildren(todo(found.todo, now));
  $("#counts").replaceChildren(...counts(found, now));
  $("#sources-found").replaceChildren(...sources(found));
  $("#events-found").replaceChildren(events(found.events, now));
  $("#settings-found").replaceChildren(...Object.entries(found.settings).map(([name, value]) => settings(name, value)));
}

/** @param {any[]} items @param {Date} now */
function todo(items, now) {
  if (items.length === 0) return el("p", {}, "Nothing waits for anybody.");
  return table("What waits", [{ words: "What" }, { words: "Presses" }, { words: "Since" }], items.map((item) => {
    const [word, kind] = PRESSES[item.presses] ?? PRESSES.someday;
    return [words(item.code), el("span", { class: `state ${kind}` }, word), item.since ? age(item.since, now) : "not known"];
  }));
}

/** @param {any} found @param {Date} now */
function counts(found, now) {
  const { counts: sum, disk } = found;
  return [
    count("Version", found.version),
    count("Machine", found.machine, counted(found.cores, "core")),
    count("Started", age(found.started_at, now)),
    count("Language model", found.has_model ? "there" : "missing"),
    count("Embedder", found.has_embedder ? "there" : "missing"),
    count("Documents", sum.documents, counted(sum.passages, "passage")),
    count("People", sum.active_people, `of ${sum.people.toLocaleString()}`),
    count("Audit entries", sum.audit_size),
    ...(disk ? [count("Disk free", size(disk.free), `of ${size(disk.total)}`)] : []),
    ...Object.entries(found.parts).map(([part, bytes]) => count(`Data: ${part}`, size(Number(bytes)))),
  ];
}

/** @param {string} name @param {any} value @param {string} [more] */
function count(name, value, more) {
  return el("div", { class: "count" }, el("dt", {}, name), el("dd", {}, value.toLocaleString(), more ? el("div", { class: "count-more" }, more) : null));
}

/** @param {any} found */
function sources(found) {
  const rows = found.sources.flatMap((/** @type {any} */ source, /** @type {number} */ at) => source.runs.slice(0, 5).map((/** @type {any} */ run) => [`Source ${at + 1}`, words(run.state), roughly(run.began_at), run.seen.toLocaleString(), run.failures.toLocaleString()]));
  const failures = Object.entries(found.failures).map(([code, times]) => `${words(code)}: ${times}`);
  if (rows.length === 0) return [el("p", {}, "No sync has run yet.")];
  return [
    table("Syncs", [{ words: "Source" }, { words: "State" }, { words: "Began" }, { words: "Seen", number: true }, { words: "Failures", number: true }], rows),
    failures.length > 0 && el("p", { class: "small" }, `What failed last: ${failures.join("; ")}.`),
  ].filter(Boolean);
}

/** @param {any[]} kinds @param {Date} now */
function events(kinds, now) {
  const rows = [...kinds].sort((a, b) => (a.last_at < b.last_at ? 1 : -1)).map((one) => [words(one.event), one.count.toLocaleString(), age(one.last_at, now)]);
  return table("What happened lately", [{ words: "Event" }, { words: "How often", number: true }, { words: "Last" }], rows);
}

/** @param {string} name @param {any} value */
function settings(name, value) {
  return el("details", { class: "failures is-close" }, el("summary", {}, name), el("pre", { class: "small" }, JSON.stringify(value, null, 2)));
}

/** @param {string} code */
function words(code) {
  const text = code.replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** @param {number} bytes */
function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** step).toLocaleString(undefined, { maximumFractionDigits: step > 0 ? 1 : 0 })} ${units[step]}`;
}
