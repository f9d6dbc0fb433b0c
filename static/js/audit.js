// @ts-check
/** The auditor's page: what happened, who was shown what, proofs and exports. What an administrator sees of it is in outside.js. */
import { auditFilters, auditLeaf, auditSearch, auditVerify, dropAuditFilter, keepAuditFilter, shownDocument, shownPerson } from "./api.js";
import { askText } from "./dialogs.js";
import { $, counted, el, on } from "./dom.js";
import { eventWords, leafRow, reportRow, showLeaf } from "./leaf.js";
import { signInAgain } from "./me.js";
import { drawGone, drawOutside } from "./outside.js";
import { say } from "./status.js";

/** Filters that everybody has. */
const GIVEN = [
  ["Everything", ""],
  ["Deletion receipts", "event=key_forgotten,person_forgotten,person_erased"],
  ["Sign-ins refused", "event=sign_in_refused,sign_out_refused"],
  ["What administrators and auditors did", "event=desk,aliased,explained,tested,audit_read,person_erased,checkpoint_sent"],
  ["Settings, versions and starts", "event=started,stopped,upgraded,settings_changed,tail_cut"],
];
const FIELDS = ["event", "person", "object", "from", "until"];

const form = $("#search");
/** Counts the questions, so that a slow answer is not drawn over a later one. */
let asked = 0;
/** Filters of the asker's own, by name. @type {Map<string, string>} */
const own = new Map();

begin();

async function begin() {
  const roles = await drawOutside(trouble);
  if (!roles) return;
  if (roles.administrator) {
    $("#gone").hidden = false;
    drawGone().catch(trouble);
  }
  if (!roles.auditor) return;
  try {
    await readFilters();
    put(new URLSearchParams(location.search));
    $("#for-auditors").hidden = false;
    look();
  } catch (cause) {
    trouble(cause);
  }
}

/** @param {any} cause */
function trouble(cause) {
  if (cause.status === 401) return signInAgain();
  say("");
  $("#trouble").replaceChildren(el("div", { class: "calm" }, el("p", {}, cause.message), cause.requestId ? el("p", { class: "small soft" }, `Request ${cause.requestId}`) : null));
}

async function readFilters() {
  const found = await auditFilters();
  own.clear();
  for (const filter of found.filters) own.set(filter.name, filter.query);
  const names = found.names;
  $("#who").hidden = !names;
  $("#whom").hidden = !names;
  if ($("#event").options.length === 1) $("#event").append(...found.events.map((/** @type {string} */ event) => el("option", { value: event }, eventWords(event))));
  const group = (/** @type {string} */ label, /** @type {string[][]} */ filters) => el("optgroup", { label }, filters.map(([name, query]) => el("option", { value: query, "data-name": name }, name)));
  $("#saved").replaceChildren(group("For everybody", GIVEN), ...(own.size > 0 ? [group("Yours", [...own])] : []));
}

/** Puts a question into the form. @param {URLSearchParams} question */
function put(question) {
  for (const name of FIELDS) {
    const value = question.get(name) ?? "";
    const field = form.elements[name];
    // Several events at once have no place of their own in the list; they are given one.
    if (name === "event" && value.includes(",") && ![...field.options].some((option) => option.value === value)) field.append(el("option", { value }, value.split(",").map(eventWords).join(", ")));
    field.value = name === "from" || name === "until" ? local(value) : value;
  }
}

/** What is asked, with moments as the appliance writes them. */
function question() {
  const asking = new URLSearchParams();
  for (const name of FIELDS) {
    const value = form.elements[name].value.trim();
    if (value) asking.set(name, name === "from" || name === "until" ? new Date(value).toISOString() : value);
  }
  return asking;
}

/** A moment as a field of the reader's own time has it. @param {string} moment */
function local(moment) {
  const date = new Date(moment);
  if (Number.isNaN(date.getTime())) return "";
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

async function look(cursor = "") {
  const mine = (asked += 1);
  const asking = question();
  history.replaceState(null, "", asking.size > 0 ? `?${asking}` : location.pathname);
  drawExports(asking);
  if (cursor) asking.set("cursor", cursor);
  say("Looking");
  try {
    const found = await auditSearch(asking);
    if (mine !== asked) return;
    $("#trouble").replaceChildren();
    draw($("#rows"), $("#more"), found, cursor, 6, leafRow, look);
    say(counted($("#rows").querySelectorAll("th").length, "entry shown", "entries shown"));
  } catch (cause) {
    if (mine === asked) trouble(cause);
  }
}

/**
 * Draws a part of a list, and the way to the next.
 * @param {any} rows @param {any} more @param {any} found @param {string} cursor @param {number} columns
 * @param {(leaf: any, show: (index: number) => void) => HTMLElement} row @param {(cursor: string) => void} goOn
 */
function draw(rows, more, found, cursor, columns, row, goOn) {
  const drawn = found.leaves.map((/** @type {any} */ leaf) => row(leaf, show));
  const none = found.next_cursor ? "Nothing yet; there is more to look at." : "Nothing in the log fits.";
  if (cursor) rows.append(...drawn);
  else rows.replaceChildren(...(drawn.length > 0 ? drawn : [el("tr", {}, el("td", { colspan: String(columns), class: "soft" }, none))]));
  const button = el("button", { class: "button", type: "button", on: { click: () => goOn(found.next_cursor) } }, drawn.length > 0 ? "Show more" : "Look further back");
  more.replaceChildren(...(found.next_cursor ? [button] : []));
  if (cursor) drawn[0]?.querySelector("button")?.focus();
}

/** @param {number} index */
async function show(index) {
  try {
    await showLeaf(await auditLeaf(index));
  } catch (cause) {
    trouble(cause);
  }
}

/** @param {URLSearchParams} asking */
function drawExports(asking) {
  const link = (/** @type {string} */ format, /** @type {string} */ words) => el("a", { href: `/api/v1/admin/audit/export?${new URLSearchParams([["format", format], ...asking])}`, download: "" }, words);
  const jsonl = asking.size === 0 ? "the whole log as JSON lines, which verify offline" : "JSON lines";
  const values = $("#who").hidden ? [] : [", or ", link("values", "what opens its commitments")];
  $("#exports").replaceChildren(asking.size === 0 ? "Take away " : "Take away what fits as ", link("jsonl", jsonl), ", ", link("csv", "CSV"), ", ", link("ocsf", "OCSF"), ...(asking.size === 0 ? values : []), ".");
}

on(form, "submit", (event) => {
  event.preventDefault();
  look();
});

on($("#saved"), "change", () => {
  const chosen = $("#saved").selectedOptions[0];
  $("#drop").disabled = !own.has(chosen.dataset.name);
  put(new URLSearchParams(chosen.value));
  look();
});

on($("#keep"), "click", () => {
  const query = question().toString();
  askText({
    title: "Keep this filter",
    words: "It is kept for you alone.",
    label: "Name",
    deed: "Keep",
    act: async (name) => {
      try {
        await keepAuditFilter(name, query);
        await readFilters();
        for (const option of $("#saved").options) option.selected = option.dataset.name === name;
        $("#drop").disabled = false;
        say(`The filter ${name} is kept.`);
      } catch (cause) {
        trouble(cause);
      }
    },
  });
});

on($("#drop"), "click", async () => {
  const name = $("#saved").selectedOptions[0].dataset.name;
  try {
    await dropAuditFilter(name);
    await readFilters();
    $("#drop").disabled = true;
    say(`The filter ${name} is gone.`);
  } catch (cause) {
    trouble(cause);
  }
});

on($("#verify"), "click", async () => {
  const button = $("#verify");
  button.disabled = true;
  $("#verified").replaceChildren(el("span", { class: "state is-running" }, "Reading every entry"));
  try {
    const found = await auditVerify();
    const words = found.ok ? `All ${counted(found.size, "entry fits", "entries fit")} the signed root ${found.root.slice(0, 16)}…` : `${found.why}. Stop, keep a copy of the data folder, and compare it with a checkpoint held outside.`;
    $("#verified").replaceChildren(el("span", { class: `state ${found.ok ? "is-good" : "is-bad"}` }, words));
  } catch (cause) {
    $("#verified").replaceChildren();
    trouble(cause);
  }
  button.disabled = false;
});

on($("#report"), "submit", (event) => {
  event.preventDefault();
  report();
});

// One of the two is asked at a time.
on($("#document"), "input", () => ($("#shown-person").value = ""));
on($("#shown-person"), "input", () => ($("#document").value = ""));

async function report(cursor = "") {
  const [document, person] = [$("#document").value.trim(), $("#shown-person").value.trim()];
  if (!document && !person) {
    $("#report-words").textContent = "Write the id of a document, or a person.";
    return;
  }
  const part = new URLSearchParams(cursor ? { cursor } : {});
  try {
    const found = document ? await shownDocument(document, part) : await shownPerson(person, part);
    $("#trouble").replaceChildren();
    $("#report-table").hidden = false;
    draw($("#report-rows"), $("#report-more"), found, cursor, 5, reportRow, report);
    const rows = $("#report-rows").querySelectorAll("th").length;
    $("#report-words").textContent = rows > 0 ? `${counted(rows, "entry", "entries")} of ${document || person}, the newest first${found.next_cursor ? "; there are more" : ""}.` : "";
  } catch (cause) {
    $("#report-words").textContent = /** @type {Error} */ (cause).message;
  }
}
