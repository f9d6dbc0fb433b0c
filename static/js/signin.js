// @ts-check
/** The sign-in page: a button for each provider, and one calm sentence where a sign-in was refused. */
import { providers, signInLocally } from "./api.js";
import { $, el, on } from "./dom.js";

const REFUSALS = /** @type {{[code: string]: string}} */ ({
  person_unknown: "Your company's directory has not told Sotto about you yet. Ask IT to assign you to Sotto.",
  person_inactive: "Your account is switched off. Ask IT if you think that is wrong.",
  person_unsubscribed: "An administrator has taken your seat. Ask IT if you think you should have one.",
  person_unassigned: "You are not assigned to Sotto. Ask IT if you think you should be.",
  state_unknown: "That sign-in took too long, or was used before. Please sign in again.",
  state_foreign: "That sign-in was begun in another browser or window. Please sign in again.",
  request_missing: "That sign-in was not begun in this browser, or it took too long. Please sign in again.",
  replayed: "That sign-in was used before. Please sign in again.",
  outside_time: "The sign-in came too late, or the clocks of Sotto and of your company's sign-in service differ. Please try again, then tell IT.",
  metadata_invalid: "The settings of your company's sign-in service cannot be used. Please tell IT the number of the request.",
  provider_away: "Your company's sign-in service does not answer. Please try again in a moment; if it goes on, tell IT the number of the request.",
  groups_too_many: "Your company's sign-in service sends too many groups to be relied on. Please tell IT the number of the request.",
  emergency_refused: "The name, the password or the code is wrong, or the code was used already. Wait for the next code and try again.",
  throttled: "This name was tried too often. Wait, for a quarter of an hour at most, and try again.",
  provider_refused: "The sign-in was cancelled or refused by your company's sign-in service.",
});

const query = new URLSearchParams(location.search);
begin();
on($("#emergency"), "submit", emergency);

async function begin() {
  const code = query.get("refused");
  if (code) refuse(REFUSALS[code] ?? "The sign-in was refused. Please try again; if it happens again, tell IT the number of the request.");
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
  return el("a", { class: at === 0 ? "button is-main" : "button", href: address }, /^(sign|log) in\b/i.test(provider.name) ? provider.name : `Sign in with ${provider.name}`);
}

/** Signs an emergency administrator in, without a provider. @param {SubmitEvent} event */
async function emergency(event) {
  event.preventDefault();
  const form = $("#emergency");
  const send = form.querySelector("button");
  const field = (/** @type {string} */ name) => form.elements.namedItem(name).value;
  send.disabled = true;
  try {
    const { to } = await signInLocally({ name: field("name").trim(), password: field("password"), code: field("code").replace(/\s/g, "") });
    location.assign(to);
  } catch (cause) {
    const problem = /** @type {import("./api.js").Problem} */ (cause);
    refuse(REFUSALS[problem.code ?? ""] ?? problem.message, problem.requestId);
    form.elements.namedItem("code").value = "";
    send.disabled = false;
    form.elements.namedItem("code").focus();
  }
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
