// @ts-check
/** Unlocking a history that is bound to its owner. */
import { protection, unlock } from "./api.js";
import { el, icon } from "./dom.js";
import { askPasskey, canUsePasskeys, passkeyWords } from "./passkeys.js";

/**
 * The card in the place of a locked history.
 * @param {{unlocked: () => void, passing?: () => void}} deeds `passing` asks without a history
 */
export function lockedCard(deeds) {
  const ways = el("div", { class: "ways" });
  const node = el(
    "section",
    { class: "welcome", id: "locked", "aria-labelledby": "locked-head" },
    el("h2", { class: "greeting", id: "locked-head" }, "Your history is locked"),
    el("p", { class: "soft" }, "It opens with your passphrase or passkey alone, and only until you sign out or leave it for a while. Until then nothing of it can be read, by anybody."),
    ways,
  );
  protection().then(
    (now) => ways.replaceChildren(...unlockWays(now, deeds.unlocked)),
    (cause) => ways.replaceChildren(el("p", { role: "alert" }, cause.message)),
  );
  if (deeds.passing) {
    const passing = el("button", { class: "button", type: "button", on: { click: deeds.passing } }, icon("passing"), "Ask in a temporary conversation");
    node.append(el("p", { class: "small soft" }, "Or ask without it: of a temporary conversation nothing is kept."), el("p", {}, passing));
  }
  return node;
}

/** Where the company asks for a bound history and there is none. */
export function unboundNote() {
  return el(
    "div",
    { class: "notice", id: "unbound", role: "alert" },
    el("span", {}, "Your company asks that your history be bound to you alone. Until it is, nothing is kept: ask in a temporary conversation, or "),
    el("a", { href: "/privacy#protection" }, "set a passphrase or a passkey"),
  );
}

/** @param {import("./api.js").Protection} now @param {() => void} unlocked */
export function unlockWays(now, unlocked) {
  const wrong = el("p", { class: "wrong", role: "alert" });
  const has = (/** @type {string} */ kind) => now.locks.some((one) => one.kind === kind);
  const passkeys = now.locks.flatMap((one) => one.credential_id ?? []);
  /** @param {() => Promise<any>} proof @param {HTMLElement} button */
  const attempt = async (proof, button) => {
    wrong.textContent = "";
    button.toggleAttribute("disabled", true);
    try {
      await unlock(await proof());
      unlocked();
    } catch (cause) {
      wrong.textContent = passkeyWords(cause);
      button.toggleAttribute("disabled", false);
      button.closest("form")?.querySelector("input")?.select();
    }
  };
  const ways = [];
  if (passkeys.length > 0 && canUsePasskeys()) {
    const button = el("button", { class: "button is-main", type: "button" }, icon("lock"), "Unlock with a passkey");
    button.addEventListener("click", () => attempt(() => askPasskey(now.prf_salt ?? "", passkeys), button));
    ways.push(el("p", {}, button));
  }
  if (has("passphrase")) {
    ways.push(secretForm({ id: "unlock-passphrase", label: "Passphrase", deed: "Unlock", secret: true, main: passkeys.length === 0 }, (text, button) => attempt(async () => ({ passphrase: text }), button)));
  }
  if (has("recovery")) {
    const form = secretForm({ id: "unlock-code", label: "Recovery code", deed: "Unlock", secret: false, main: false }, (text, button) => attempt(async () => ({ recovery_code: text }), button));
    ways.push(el("details", {}, el("summary", { class: "more" }, "Use your recovery code"), form));
  }
  return [...ways, wrong];
}

/**
 * A form with one secret.
 * @param {{id: string, label: string, deed: string, secret: boolean, main: boolean}} look
 * @param {(text: string, button: HTMLElement) => void} act
 */
function secretForm(look, act) {
  const field = el("input", { class: "field", id: look.id, type: look.secret ? "password" : "text", autocomplete: look.secret ? "current-password" : "off", spellcheck: "false", maxlength: "1024", required: true });
  const button = el("button", { class: look.main ? "button is-main" : "button", type: "submit" }, look.deed);
  const form = el("form", { class: "tool" }, el("div", { class: "grows" }, el("label", { for: look.id }, look.label), field), button);
  form.addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    act(field.value, button);
  });
  return form;
}
