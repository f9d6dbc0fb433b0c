// @ts-check
/** What would change if a group got a space, or lost it, or a person joined a group, or left it. Nothing is changed. */
import { sources, whatIf } from "./api.js";
import { $, counted, el, on } from "./dom.js";
import { say } from "./status.js";
import { table } from "./tables.js";
import { calm, trouble } from "./trouble.js";

/** Counts the questions, so that a slow answer is not drawn over a later one. */
let asked = 0;

const form = $("#what-if-form");
on(form, "submit", (event) => {
  event.preventDefault();
  look();
});
on($("#change"), "change", fit);
fit();
sources().then((found) => $("#source").replaceChildren(...found.sources.map((/** @type {any} */ one) => el("option", { value: one.name }, one.name)))).catch((cause) => trouble(cause, "#what-if-trouble"));

/** Shows the fields that the chosen change takes. */
function fit() {
  for (const part of form.querySelectorAll("[data-for]")) {
    const takes = part.dataset.for.split(" ").includes($("#change").value);
    part.hidden = !takes;
    part.querySelector("input").required = takes;
    part.querySelector("input").disabled = !takes;
  }
}

async function look() {
  const mine = (asked += 1);
  const question = new URLSearchParams(/** @type {any} */ (new FormData(form)));
  say("Working it out");
  try {
    const found = await whatIf(question);
    if (mine !== asked) return;
    calm("#what-if-trouble");
    $("#what-if-found").replaceChildren(...draw(found));
    say(summary(found));
  } catch (cause) {
    if (mine !== asked) return;
    say("");
    $("#what-if-found").replaceChildren();
    trouble(cause, "#what-if-trouble");
  }
}

/** @param {any} found */
function summary(found) {
  if (found.documents === 0) return "Nothing would change: nobody would read more or less than today.";
  const people = counted(found.people, "person", "people");
  return `${people} would ${found.direction === "gains" ? "gain" : "lose"} ${counted(found.documents, "page")}.`;
}

/** @param {any} found @returns {any[]} */
function draw(found) {
  const parts = [el("p", { class: "verdict" }, summary(found))];
  if (found.documents === 0) return parts;
  parts.push(table("What would change, by space", [{ words: "Space" }, { words: "Pages", number: true }, { words: "People", number: true }], found.spaces.map((/** @type {any} */ one) => [one.space, one.documents.toLocaleString(), one.people.toLocaleString()])));
  if (found.titles.length > 0) parts.push(titles(found.titles));
  const rest = found.documents - found.titles.length;
  if (rest > 0) parts.push(el("p", { class: "small soft" }, `${found.titles.length > 0 ? "and " : ""}${counted(rest, "page")} without a title here: titles are told of pages that you may open yourself.`));
  return parts;
}

/** Pages by their titles. @param {any[]} all */
export function titles(all) {
  return el("ul", { class: "prose" }, all.map((one) => el("li", {}, one.title, " ", el("span", { class: "soft" }, `${one.document_id}, ${one.space}`))));
}
