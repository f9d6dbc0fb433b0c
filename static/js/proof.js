// @ts-check
/** Draws why somebody may or may not open a document: each thing that must hold, and what it rests on. */
import { ownAccess } from "./api.js";
import { tell } from "./dialogs.js";
import { counted, el } from "./dom.js";
import { say } from "./status.js";
import { table } from "./tables.js";
import { exactly } from "./when.js";

const STATES = /** @type {{[state: string]: [string, string]}} */ ({
  met: ["Yes", "is-good"],
  failed: ["No", "is-bad"],
  unknown: ["Unknown", "is-bad"],
});

/** The whole explanation. @param {any} access @returns {any[]} */
export function drawAccess(access) {
  if (access.past) return [
    el("p", { class: "small soft" }, `${access.document_id}, as it was known at ${exactly(access.at)}. Who was assigned to the assistant then is not kept.`),
    ...shown(access),
  ];
  const checked = access.permissions_as_of ? `Permissions were last read whole ${exactly(access.permissions_as_of)}.` : "Permissions were not read whole yet.";
  return [
    el("p", { class: "small soft" }, `${access.document_id}, as of ${exactly(access.at)}. ${checked}`),
    ...shown(access),
  ];
}

/** Two people beside each other on a whole space. @param {any} access @returns {any[]} */
export function drawSpace(access) {
  const when = access.past ? `as it was known at ${exactly(access.at)}` : `as of ${exactly(access.at)}`;
  const place = `${access.source}:${access.space}`;
  return [
    el("p", { class: "small soft" }, `${place}, ${when}: ${counted(access.documents, "document")}.`),
    access.people.length > 1 && el("p", { class: "verdict" }, access.differ === 0 ? `Both may open the same ${counted(access.all_may_open, "document")}.` : `Both may open ${counted(access.all_may_open, "document")}; ${counted(access.differ, "document")} only one of them.`),
    access.different.length > 0 && section("Only one may open", differing(access)),
    ...shown(access),
  ].filter(Boolean);
}

/** @param {any} access */
function differing(access) {
  const title = new Map(access.titles.map((/** @type {any} */ one) => [one.document_id, one.title]));
  const rows = access.different.map((/** @type {any} */ one) => [title.get(one.document_id) ?? one.document_id, title.has(one.document_id) ? one.document_id : "not yours to open", one.open_to]);
  const rest = access.differ - rows.length;
  return el("div", {}, table("Documents that only one may open", [{ words: "Document" }, { words: "Id" }, { words: "Who may" }], rows), rest > 0 && el("p", { class: "soft" }, `and ${counted(rest, "more document")}`));
}

/** @param {any} access @returns {any[]} */
function shown(access) {
  return [
    access.differences.length > 0 && section("They differ in", el("ul", { class: "prose" }, access.differences.map((/** @type {any} */ one) => el("li", {}, one.texts.join(" "))))),
    el("div", { class: access.people.length > 1 ? "beside" : "" }, access.people.map(drawPerson)),
  ].filter(Boolean);
}

/** Tells the reader why they can see a page. @param {string} id */
export async function why(id) {
  try {
    const found = await ownAccess(id);
    tell("Why you can see this", drawSteps(found.people[0]));
  } catch (cause) {
    say(/** @type {import("./api.js").Problem} */ (cause).message);
  }
}

/** @param {any} person */
function drawPerson(person) {
  return section(person.summary, drawSteps(person));
}

/** @param {any} person */
function drawSteps(person) {
  return el("ol", { role: "list" }, person.steps.map(drawStep));
}

/** @param {string} head @param {any} body */
function section(head, body) {
  return el("section", { class: "section" }, el("div", { class: "section-head" }, el("h2", {}, head)), body);
}

/** @param {any} step */
function drawStep(step) {
  const [word, kind] = STATES[step.state] ?? STATES.unknown;
  return el(
    "li",
    { class: "health" },
    el("span", { class: "health-word" }, el("span", { class: `state ${kind}` }, word)),
    el(
      "div",
      { class: "step" },
      el("p", {}, step.text, learned(step)),
      step.ways.map((/** @type {any[]} */ way, /** @type {number} */ number) => drawWay(way, number)),
      step.more_ways > 0 && el("p", { class: "soft" }, `or ${step.more_ways} more ways`),
    ),
  );
}

/** One way: all its facts together are enough. @param {any[]} way @param {number} number */
function drawWay(way, number) {
  return el("div", { class: "way" }, number > 0 && el("p", { class: "soft" }, "or"), el("ul", {}, way.map((fact) => el("li", {}, fact.text, learned(fact), fact.needed && el("span", { class: "soft" }, " · lost without it")))));
}

/** @param {any} of */
function learned(of) {
  return of.learned && el("span", { class: "soft" }, ` (sync ${of.learned.number}, ${exactly(of.learned.began_at)})`);
}
