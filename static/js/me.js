// @ts-check
/** The greeting of an empty page, and the menu under the asker's name. */
import { signOut } from "./api.js";
import { counted, el, icon } from "./dom.js";
import { menu } from "./menu.js";
import { say } from "./status.js";
import { nextTheme, theme, themeName } from "./theme.js";

/**
 * @typedef {{user: {display_name: string, given_name?: string|null}, roles: string[],
 *   application: import("./api.js").Assistant, applications: import("./api.js").Assistant[], tier: "reader"|"full",
 *   spaces: import("./api.js").Space[], examples: string[], retention_days: number, history: "open"|"locked"|"unbound"}} Me
 */

/** The welcome where nobody wrote another: the line below it says the same, with the number. */
const PLAIN_WELCOME = "Answers come from the pages you can open.";

/** @param {Me} me @param {(question: string) => void} put */
export function welcome(me, put) {
  const name = me.user.given_name || me.user.display_name.split(" ")[0];
  const kept = me.retention_days > 0 ? ` Conversations are kept for ${counted(me.retention_days, "day")}.` : "";
  const examples = me.examples.map((question) =>
    el("li", {}, el("button", { class: "example", type: "button", on: { click: () => put(question) } }, icon("follow"), question)),
  );
  return el(
    "div",
    { class: "welcome" },
    el("h2", { class: "greeting" }, name ? `${partOfDay(new Date())}, ${name}` : partOfDay(new Date())),
    me.application.welcome !== PLAIN_WELCOME && el("p", {}, me.application.welcome),
    el("p", { class: "soft" }, spaces(me.spaces.length)),
    examples.length > 0 ? el("ul", { class: "examples", role: "list", "aria-label": "Questions to begin with" }, examples) : null,
    el("p", { class: "welcome-foot" }, el("a", { href: "/privacy" }, "Only you can read this history."), kept),
  );
}

/**
 * The choice between the assistants of somebody who has several; nothing where there is one.
 * @param {Me} me @param {(id: string) => void} choose
 */
export function assistants(me, choose) {
  if (me.applications.length < 2) return "";
  const options = me.applications.map((one) => el("option", { value: one.id, selected: one.id === me.application.id }, one.title));
  const select = el("select", { class: "field", id: "assistant" }, options);
  select.addEventListener("change", () => choose(select.value));
  return el("div", {}, el("label", { class: "unseen", for: "assistant" }, "Assistant"), select);
}

/** @param {number} count */
function spaces(count) {
  if (count === 0) return "There is no space yet that you can open, so there is nothing to answer from.";
  return `Answers come from ${counted(count, "space")} you can open.`;
}

/** @param {Date} now */
function partOfDay(now) {
  const hour = now.getHours();
  if (hour < 5) return "Good evening";
  if (hour < 12) return "Good morning";
  return hour < 18 ? "Good afternoon" : "Good evening";
}

/**
 * @param {Me} me
 * @param {{shortcuts: () => void, removeAll: () => void}} deeds
 */
export function account(me, deeds) {
  const scheme = el("span", {}, `Colours: ${themeName(theme())}`);
  const schemeButton = el("button", { class: "menu-item", type: "button" }, icon("theme"), scheme);
  schemeButton.addEventListener("click", () => {
    scheme.textContent = `Colours: ${themeName(nextTheme())}`;
    say(scheme.textContent ?? "");
  });
  return menu({ face: [icon("person"), el("span", { class: "account-name" }, me.user.display_name), icon("dots")], up: true }, [
    schemeButton,
    { icon: "keyboard", words: "Keyboard shortcuts", act: deeds.shortcuts },
    { icon: "lock", words: "What is protected", href: "/privacy" },
    ...(desk(me.roles) ? [{ icon: "desk", words: "Administration", href: desk(me.roles) }] : []),
    null,
    { icon: "trash", words: "Delete all conversations", act: deeds.removeAll, alarm: true },
    { icon: "leave", words: "Sign out", act: leave },
  ]);
}

/** Where the desk begins for these roles; nowhere for most people. @param {string[]} roles */
function desk(roles) {
  if (roles.includes("administrator") || roles.includes("support")) return "/admin";
  if (roles.includes("directory")) return "/admin/people";
  return roles.includes("auditor") ? "/admin/audit" : undefined;
}

/** Ends the session here and, where the provider has an address for it, there. */
export async function leave() {
  try {
    const reply = await signOut();
    forgetDrafts();
    location.assign(reply?.provider_logout ?? "/sign-in");
  } catch (cause) {
    const problem = /** @type {import("./api.js").Problem} */ (cause);
    if (problem.status === 401) location.assign("/sign-in");
    else say(`You are still signed in. ${problem.message}`);
  }
}

/** Drafts are private: the next person at this browser must not find them. */
function forgetDrafts() {
  try {
    for (const key of Object.keys(sessionStorage)) if (key.startsWith("sotto.")) sessionStorage.removeItem(key);
  } catch {
    // Storage is switched off, so there are none.
  }
}

/** To the sign-in page, and back here afterwards. */
export function signInAgain() {
  location.assign(`/sign-in?return_to=${encodeURIComponent(location.pathname + location.search)}`);
}
