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
  const mark = outcome.refused ? ["is-bad", "Refused"] : ["is-good", "Well"];
  const facts = rows && rows.filter(([, value]) => value).map(([name, value]) => el("div", { class: "fact" }, el("dt", {}, name), el("dd", {}, value)));
  return [
    section("Outcome", el("ul", {}, el("li", { class: "health" }, el("span", { class: "health-word" }, el("span", { class: `state ${mark[0]}` }, mark[1])), el("span", {}, verdict(outcome))))),
    facts && section("Whom it proved", el("dl", {}, facts)),
    outcome.shown && section(proven ? "What the provider sent" : "What came, of which nothing is proven", el("div", { class: "prose" }, el("pre", { tabindex: "0" }, el("code", {}, outcome.shown)))),
  ].filter(Boolean);
}

/** @param {string} title @param {HTMLElement} body */
function section(title, body) {
  return el("section", { class: "section" }, el("div", { class: "section-head" }, el("h2", {}, title)), body);
}
