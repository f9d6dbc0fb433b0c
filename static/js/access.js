// @ts-check
/** Who may read what: asks why a person, or two beside each other, may or may not open a document, and draws the proof. */
import { access } from "./api.js";
import { $, el, on } from "./dom.js";
import { signInAgain } from "./me.js";
import { drawAccess } from "./proof.js";
import { say } from "./status.js";

const FIELDS = ["user", "document", "other", "at"];

/** Counts the questions, so that a slow answer is not drawn over a later one. */
let asked = 0;

const form = $("#lookup");
on(form, "submit", (event) => {
  event.preventDefault();
  look();
});

// What was asked stands in the address, so that it can be kept and asked again.
const given = new URLSearchParams(location.search);
for (const name of FIELDS) if (given.has(name)) form.elements[name].value = given.get(name);
if (given.get("user") && given.get("document")) look();

async function look() {
  const mine = (asked += 1);
  const question = new URLSearchParams(FIELDS.map((name) => [name, form.elements[name].value.trim()]).filter(([, value]) => value !== ""));
  history.replaceState(null, "", `?${question}`);
  say("Looking");
  try {
    // The field has the reader's own time; the appliance is asked in its.
    const asking = new URLSearchParams(question);
    const at = question.get("at");
    if (at) asking.set("at", new Date(at).toISOString());
    const found = await access(asking);
    if (mine !== asked) return;
    $("#trouble").replaceChildren();
    $("#found").replaceChildren(...drawAccess(found));
    say(found.people.map((/** @type {any} */ person) => person.summary).join(" "));
  } catch (cause) {
    const problem = /** @type {import("./api.js").Problem} */ (cause);
    if (problem.status === 401) return signInAgain();
    if (mine !== asked) return;
    say("");
    $("#found").replaceChildren();
    $("#trouble").replaceChildren(el("div", { class: "calm" }, el("p", {}, problem.message), problem.requestId ? el("p", { class: "small soft" }, `Request ${problem.requestId}`) : null));
  }
}
