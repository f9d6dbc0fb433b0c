// @ts-check
/** Who may read what: asks why a person, or two beside each other, may or may not open a document or a whole space, and draws
 * the proof. */
import { access, spaceAccess } from "./api.js";
import { $, on } from "./dom.js";
import { drawAccess, drawSpace } from "./proof.js";
import { say } from "./status.js";
import { calm, trouble } from "./trouble.js";
import "./what-if.js";

const FIELDS = ["user", "what", "of", "other", "at"];

/** Counts the questions, so that a slow answer is not drawn over a later one. */
let asked = 0;

const form = $("#lookup");
on(form, "submit", (event) => {
  event.preventDefault();
  look();
});

// What was asked stands in the address, so that it can be kept and asked again.
const given = new URLSearchParams(location.search);
if (given.has("document")) given.set("of", given.get("document") ?? "");
for (const name of FIELDS) if (given.has(name)) form.elements[name].value = given.get(name);
if (given.get("user") && given.get("of")) look();
else if (given.get("of")) form.elements.user.focus();

async function look() {
  const mine = (asked += 1);
  const question = new URLSearchParams(FIELDS.map((name) => [name, form.elements[name].value.trim()]).filter(([, value]) => value !== ""));
  history.replaceState(null, "", `?${question}`);
  say("Looking");
  try {
    const isSpace = question.get("what") === "space";
    const asking = new URLSearchParams({ user: question.get("user") ?? "", [isSpace ? "space" : "document"]: question.get("of") ?? "" });
    if (question.has("other")) asking.set("other", question.get("other") ?? "");
    // The field has the reader's own time; the appliance is asked in its.
    const at = question.get("at");
    if (at) asking.set("at", new Date(at).toISOString());
    const found = await (isSpace ? spaceAccess(asking) : access(asking));
    if (mine !== asked) return;
    calm();
    $("#found").replaceChildren(...(isSpace ? drawSpace(found) : drawAccess(found)));
    say(found.people.map((/** @type {any} */ person) => person.summary).join(" "));
  } catch (cause) {
    if (mine !== asked) return;
    say("");
    $("#found").replaceChildren();
    trouble(cause);
  }
}
