// @ts-check
/** The sign-in page: a button for each provider, and one calm sentence where a sign-in was refused. */
import { providers } from "./api.js";
import { $, el } from "./dom.js";

const REFUSALS = /** @type {{[code: string]: string}} */ ({
  unknown_person: "Your company's directory has not told Sotto about you yet. Ask IT to assign you to Sotto.",
  inactive: "Your account is switched off. Ask IT if you think that is wrong.",
  stale: "That sign-in took too long or was used before. Please sign in again.",
  cancelled: "The sign-in was cancelled.",
});

const query = new URLSearchParams(location.search);
begin();

async function begin() {
  const code = query.get("refused");
  if (code) refuse(REFUSALS[code] ?? "The sign-in was refused. Please try again; if it happens again, tell IT the number below.");
  try {
    const { providers: all } = await providers();
    if (all.length === 0) refuse("No identity provider is set up yet. Ask IT to finish the installation.");
    $("#providers").replaceChildren(...all.map(button));
  } catch (cause) {
    const problem = /** @type {import("./api.js").Problem} */ (cause);
    refuse(problem.message, problem.requestId);
  }
}

/** @param {{name: string, login: string}} provider @param {number} at */
function button(provider, at) {
  const address = `${provider.login}?return_to=${encodeURIComponent(returnTo())}`;
  return el("a", { class: at === 0 ? "button is-main" : "button", href: address }, provider.name);
}

/** Only a path of this appliance: anything else would let a link send people elsewhere after they signed in. */
function returnTo() {
  const path = query.get("return_to") ?? "/";
  return /^\/(?![/\\])/.test(path) && !/[\\\u0000-\u001f]/.test(path) ? path : "/";
}

/** @param {string} words @param {string|null} [request] */
function refuse(words, request = query.get("id")) {
  $("#refused").replaceChildren(
    el("div", { class: "calm" }, el("p", {}, words), request ? el("p", { class: "small soft" }, `Request ${request.slice(0, 64)}`) : null),
  );
}
