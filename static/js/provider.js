// @ts-check
/** The outcome of a provider's test: what it sent, and why a login would be refused. */
import { trial } from "./api.js";
import { $, el } from "./dom.js";
import { signInAgain } from "./me.js";
import { say } from "./status.js";

const provider = location.pathname.split("/")[3] ?? "";
$("#again").href = `/auth/${encodeURIComponent(provider)}/login?test=1`;
begin();

async function begin() {
  try {
    const outcome = await trial(provider);
    $("#outcome").replaceChildren(...draw(outcome));
    say(outcome === null ? "Nothing was tested yet." : verdict(outcome));
  } catch (cause) {
    const problem = /** @type {import("./api.js").Problem} */ (cause);
    if (problem.status === 401) return signInAgain();
    $("#trouble").replaceChildren(el("div", { class: "calm" }, el("p", {}, problem.message), problem.requestId ? el("p", { class: "small soft" }, `Request ${problem.requestId}`) : null));
  }
}

/** @param {any} outcome */
function verdict(outcome) {
  if (outcome.refused) return `A login would be refused: ${outcome.refused.detail} (${outcome.refused.code}).`;
  return `A login would sign in ${outcome.person}.`;
}

/** @param {any} outcome @returns {Node[]} */
function draw(outcome) {
  if (outcome === null) return [el("p", { class: "soft" }, "Nothing was tested in the last ten minutes.")];
  const proven = outcome.proven;
  const rows = proven && [["Immutable id", proven.subject], ["User name", proven.user_name], ["E-mail", proven.email], ["Session ends", proven.session_ends]];
  return [
    el("div", { class: "calm" }, el("p", {}, verdict(outcome))),
    rows && el("dl", {}, ...rows.filter(([, value]) => value).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
    outcome.shown && el("h2", {}, proven ? "What the provider sent" : "What came, of which nothing is proven"),
    outcome.shown && el("pre", { tabindex: "0" }, el("code", {}, outcome.shown)),
  ].filter(Boolean);
}
