// @ts-check
/** How one's own history is protected: which way is on, what unlocks it, and what others did that concerned one. */
import { acts, addLock, bind, lock, me, protection, removeLock, renewCode, unbind } from "./api.js";
import { copy } from "./copy.js";
import { open } from "./dialogs.js";
import { $, el, icon } from "./dom.js";
import { canUsePasskeys, newPasskey, passkeyWords } from "./passkeys.js";
import { say } from "./status.js";
import { unlockWays } from "./unlock.js";
import { day, roughly } from "./when.js";

/** @typedef {import("./api.js").Protection} Protection */

const place = $("#protection-now");

const KINDS = { passphrase: "Passphrase", passkey: "Passkey", recovery: "Recovery code" };

/** The audit log's words, in ours. @type {{[event: string]: string}} */
const ACTS = {
  explained: "Looked up why you may or may not read a page",
  aliased: "Changed which account of the wiki is yours",
  keys_renewed: "Renewed the keys of your history, without reading it",
  desk: "Looked at or changed something about you",
};

begin();

async function begin() {
  try {
    await draw();
    await drawActs();
  } catch (cause) {
    const problem = /** @type {import("./api.js").Problem} */ (cause);
    if (problem.status === 401) signedOut();
    else trouble(problem);
  }
}

/** The page says the same to everybody; only what is one's own needs a sign-in. */
function signedOut() {
  const link = el("a", { href: `/sign-in?return_to=${encodeURIComponent("/privacy")}` }, "Sign in");
  place.replaceChildren(el("p", {}, link, " to see how your own history is protected, and to change it."));
  $("#acts").hidden = true;
}

/** @param {any} cause */
function trouble(cause) {
  const words = passkeyWords(cause);
  $("#trouble").replaceChildren(el("p", { class: "calm" }, words));
}

/** Does something and draws the page anew. @param {() => Promise<any>} deed @param {string} done */
async function change(deed, done) {
  $("#trouble").replaceChildren();
  try {
    await deed();
    say(done);
  } catch (cause) {
    trouble(cause);
  }
  await draw().catch(trouble);
}

async function draw() {
  const now = await protection();
  for (const row of document.querySelectorAll("[data-mode]")) {
    const is = row.getAttribute("data-mode") === now.mode;
    row.toggleAttribute("aria-current", is);
    row.querySelector(".mode-mark")?.remove();
    if (is) row.querySelector("th")?.append(el("span", { class: "mode-mark" }, "yours now"));
  }
  if (now.mode === "server") place.replaceChildren(...underServer(now));
  else if (!now.is_open) place.replaceChildren(el("p", {}, "Your history is bound to you alone, and locked."), ...unlockWays(now, () => change(async () => {}, "Your history is open")));
  else place.replaceChildren(...underOwner(now));
}

/** @param {Protection} now */
function underServer(now) {
  const said = el("p", {}, "Your history is encrypted with a key that this appliance holds. It uses that key only to show your history to you.");
  if (now.policy === "server") return [said, el("p", { class: "soft" }, "Your company keeps all histories this way.")];
  const asked = now.policy === "login_bound" ? el("p", {}, "Your company asks that you bind it to yourself. Until you do, nothing new is kept.") : null;
  return [
    said,
    ...(asked ? [asked] : []),
    el("h3", {}, "Bind it to you alone"),
    el("p", {}, "Then only a passphrase or a passkey of yours opens it. Stored conversations are encrypted with a key the server can use only during your session. Administrators, backups and a stolen machine cannot reveal them while you are signed out. If you lose every passphrase, passkey and the recovery code, nobody can open your history again."),
    binding(now, "Bind with this passphrase", "Bind with a passkey"),
  ];
}

/** The two ways to bind a history. @param {Protection} now @param {string} byPassphrase @param {string} byPasskey */
function binding(now, byPassphrase, byPasskey) {
  const ways = el("div", { class: "ways" }, passphraseForm(byPassphrase, (passphrase) => bound(async () => ({ passphrase }), "")));
  if (canUsePasskeys()) {
    const button = el("button", { class: "button", type: "button", on: { click: () => bound(() => passkeyOf(now, null), deviceName()) } }, icon("lock"), byPasskey);
    ways.append(el("p", {}, button));
  }
  return ways;
}

/** @param {() => Promise<any>} proof @param {string} name */
async function bound(proof, name) {
  $("#trouble").replaceChildren();
  try {
    say("Sealing your history with new keys");
    const { recovery_code } = await bind(await proof(), name);
    await draw();
    showCode(recovery_code);
  } catch (cause) {
    trouble(cause);
    await draw().catch(trouble);
  }
}

/** @param {Protection} now @param {string|null} salt */
async function passkeyOf(now, salt) {
  const { user } = await me();
  return newPasskey({ name: user.user_name, shown: user.display_name }, salt, now.locks.flatMap((one) => one.credential_id ?? []));
}

/** What a new passkey is called until its owner says otherwise. */
function deviceName() {
  const agent = /** @type {any} */ (navigator).userAgentData;
  const name = agent?.platform ?? /(Windows|Mac OS|Android|iPhone|iPad|Linux)/.exec(navigator.userAgent)?.[1];
  return name ? `${name}` : "";
}

/** @param {Protection} now */
function underOwner(now) {
  const rest = now.locked_after_minutes > 0 ? ` It is locked when you sign out, and after ${now.locked_after_minutes} minutes without use.` : " It is locked when you sign out.";
  const actions = [
    el("button", { class: "button", type: "button", on: { click: () => change(lock, "Locked") } }, icon("lock"), "Lock now"),
    el("button", { class: "button", type: "button", on: { click: newCode } }, "New recovery code"),
  ];
  if (canUsePasskeys()) {
    const add = () => change(async () => addLock(await passkeyOf(now, now.prf_salt), deviceName()), "The passkey unlocks your history too");
    actions.unshift(el("button", { class: "button", type: "button", on: { click: add } }, icon("plus"), "Add a passkey"));
  }
  const hasPassphrase = now.locks.some((one) => one.kind === "passphrase");
  const parts = [
    el("p", {}, "Your history is bound to you alone, and open in this session.", rest),
    el("ul", { class: "locks", role: "list", "aria-label": "What unlocks your history" }, now.locks.map(lockRow)),
    el("div", { class: "row" }, actions),
    el("details", {}, el("summary", { class: "more" }, hasPassphrase ? "Change the passphrase" : "Add a passphrase"), passphraseForm("Keep this passphrase", (passphrase) => change(() => addLock({ passphrase }), "The passphrase unlocks your history"))),
    el("details", {}, el("summary", { class: "more" }, "Begin anew with new keys"), el("p", {}, "If somebody may have had a device, the passphrase or the code: everything is sealed with new keys, and only what you choose now unlocks it."), binding(now, "Begin anew with this passphrase", "Begin anew with a passkey")),
  ];
  if (now.policy !== "login_bound") {
    const back = el("button", { class: "button is-alarm", type: "button", on: { click: () => change(unbind, "The appliance holds your key again") } }, "Let the appliance hold the key");
    parts.push(el("details", {}, el("summary", { class: "more" }, "Bind it no longer"), el("p", {}, "Then you need no passphrase or passkey, and whoever controls the machine could open your history while you are away."), el("p", {}, back)));
  }
  return parts;
}

/** @param {import("./api.js").Lock} one */
function lockRow(one) {
  const name = one.name ? ` “${one.name}”` : "";
  const take = el("button", { class: "quiet", type: "button", on: { click: () => change(() => removeLock(one.id), "Removed") } }, icon("trash"), "Remove", el("span", { class: "unseen" }, ` ${KINDS[one.kind]}${name}`));
  return el("li", { class: "lock-row" }, el("span", {}, `${KINDS[one.kind]}${name}`, el("span", { class: "soft small" }, ` since ${day(one.made_at)}`)), take);
}

/** @param {string} deed @param {(passphrase: string) => void} act */
function passphraseForm(deed, act) {
  const id = `passphrase-${deed.length}`;
  const field = (/** @type {string} */ name) => el("input", { class: "field", id: `${id}-${name}`, type: "password", autocomplete: "new-password", minlength: "12", maxlength: "1024", required: true });
  const [first, again] = [field("first"), field("again")];
  const form = el(
    "form",
    { class: "tool" },
    el("div", { class: "grows" }, el("label", { for: first.id }, "A passphrase: at least 12 characters, better four or five words"), first),
    el("div", { class: "grows" }, el("label", { for: again.id }, "The same again"), again),
    el("button", { class: "button is-main", type: "submit" }, deed),
  );
  form.addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    again.setCustomValidity(again.value === first.value ? "" : "This is not the same.");
    if (form.reportValidity()) act(first.value);
  });
  again.addEventListener("input", () => again.setCustomValidity(""));
  return form;
}

async function newCode() {
  $("#trouble").replaceChildren();
  try {
    const { recovery_code } = await renewCode();
    await draw();
    showCode(recovery_code);
  } catch (cause) {
    trouble(cause);
  }
}

/** The code is shown this once. @param {string} code */
function showCode(code) {
  const close = el("button", { class: "button is-main", type: "button" }, "I have put it away");
  const node = el(
    "dialog",
    { class: "dialog code-sheet", "aria-labelledby": "dialog-title" },
    el("h2", { class: "dialog-title", id: "dialog-title" }, "Your recovery code"),
    el(
      "div",
      { class: "dialog-body" },
      el("p", {}, "It unlocks your history where every passkey and passphrase is lost. It is shown this once. Print it, and keep it where nobody else looks."),
      el("p", { class: "code" }, code),
      el(
        "div",
        { class: "row is-end" },
        el("button", { class: "button", type: "button", on: { click: () => window.print() } }, "Print"),
        el("button", { class: "button", type: "button", on: { click: () => copy(code, "The code is copied") } }, icon("copy"), "Copy"),
        close,
      ),
    ),
  );
  close.addEventListener("click", () => node.close());
  open(node);
  close.focus();
  say("Your recovery code is shown");
}

async function drawActs() {
  const { acts: all } = await acts();
  const rows = all.map((one) => {
    const who = one.by_owner ? "The owner of the machine" : (one.by ?? "Somebody who is known no more");
    return el("tr", {}, el("th", { scope: "row" }, roughly(one.at)), el("td", {}, who), el("td", {}, ACTS[one.event] ?? one.event));
  });
  $("#acts-rows").replaceChildren(...(rows.length > 0 ? rows : [el("tr", {}, el("td", { colspan: "3", class: "soft" }, "Nobody did anything that concerned you."))]));
}
