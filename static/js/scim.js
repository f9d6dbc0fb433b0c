// @ts-check
/** Tokens of those who provision: made and shown once, rotated, changed, revoked. */
import { changeScimToken, makeScimToken, revokeScimToken, rotateScimToken, scimTokens } from "./api.js";
import { copy } from "./copy.js";
import { open } from "./dialogs.js";
import { $, el, on } from "./dom.js";
import { signInAgain } from "./me.js";
import { say } from "./status.js";
import { age, roughly } from "./when.js";

/** How long an old token goes on beside a new one, in hours. */
const OVERLAPS = /** @type {[number, string][]} */ ([
  [0, "ends at once"],
  [1, "for an hour"],
  [24, "for a day"],
  [168, "for seven days"],
]);
const OVERLAP = 24;

look();
on($("#copy-address"), "click", () => copy($("#address").textContent, "The address was copied."));
on($("#new"), "submit", async (event) => {
  event.preventDefault();
  const name = $("#new-name").value.trim();
  try {
    const made = await makeScimToken(name);
    $("#new").reset();
    await look();
    show(`The token for ${name}`, made.secret);
  } catch (cause) {
    trouble(cause);
  }
});

async function look() {
  try {
    const found = await scimTokens();
    $("#trouble").replaceChildren();
    $("#address").textContent = found.address;
    $("#copy-address").hidden = false;
    const none = el("tr", {}, el("td", { colspan: "6", class: "soft" }, "There is no token yet. Make one, and enter it at your identity provider."));
    const now = new Date();
    const rows = found.tokens.map((/** @type {any} */ token) => row(token, now));
    $("#token-rows").replaceChildren(...(rows.length > 0 ? rows : [none]));
  } catch (cause) {
    trouble(cause);
  }
}

/** @param {any} cause */
function trouble(cause) {
  if (cause.status === 401) return signInAgain();
  $("#trouble").replaceChildren(el("div", { class: "calm" }, el("p", {}, cause.message), cause.requestId ? el("p", { class: "small soft" }, `Request ${cause.requestId}`) : null));
}

/** @param {any} token @param {Date} now */
function row(token, now) {
  const [newest, old] = token.lives;
  const isLocked = token.origin === "file";
  const inFile = (/** @type {string} */ key) => (isLocked ? el("div", { class: "soft" }, token.set_in_file.includes(key) ? "set in the file" : "by default") : null);
  const named = (/** @type {string} */ words) => [words, el("span", { class: "unseen" }, `: ${token.name}`)];
  const deed = (/** @type {string} */ words, /** @type {() => void} */ act, kind = "button") => el("button", { class: kind, type: "button", on: { click: act } }, named(words));
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, token.name, isLocked ? el("div", { class: "soft token" }, `From the settings: ${token.token_file}`) : null),
    el("td", { class: "token-made" }, newest?.made_at ? roughly(newest.made_at) : "", old ? el("div", { class: "soft" }, `The one before ends ${roughly(old.ends_at)}`) : null),
    el("td", {}, token.last_used_at ? age(token.last_used_at, now) : "never"),
    el("td", {}, token.requests_per_minute === 0 ? "no limit" : token.requests_per_minute.toLocaleString(), inFile("requests_per_minute")),
    el("td", {}, token.etags ? "announced" : "not announced", inFile("etags")),
    el("td", {}, isLocked ? el("span", { class: "soft" }, "Locked: change the settings' file") : el("div", { class: "row" }, deed("Change", () => change(token)), deed("Rotate", () => rotate(token)), deed("Revoke", () => revoke(token), "button is-alarm"))),
  );
}

/**
 * A dialog that does one thing and says what went wrong.
 * @param {string} title @param {any[]} body @param {{deed: string, alarm?: boolean, act: (node: any) => Promise<void>}} does
 */
function ask(title, body, does) {
  const wrong = el("p", { class: "small", role: "alert" });
  const form = el(
    "form",
    { class: "dialog-body", method: "dialog" },
    ...body,
    wrong,
    el(
      "div",
      { class: "row is-end" },
      el("button", { class: "button", type: "button", on: { click: () => node.close() } }, "Cancel"),
      el("button", { class: does.alarm ? "button is-alarm" : "button is-main", type: "submit" }, does.deed),
    ),
  );
  const node = el("dialog", { class: "dialog", "aria-labelledby": "dialog-title" }, el("h2", { class: "dialog-title", id: "dialog-title" }, title), form);
  on(form, "submit", async (event) => {
    event.preventDefault();
    try {
      await does.act(form);
      node.close();
    } catch (cause) {
      wrong.textContent = /** @type {Error} */ (cause).message;
    }
  });
  open(node);
}

/** Shows a token, this once. @param {string} title @param {string} secret */
function show(title, secret) {
  const said = el("p", { class: "small", role: "status" });
  const taken = el("button", { class: "button is-main", type: "button" }, "Copy");
  on(taken, "click", async () => {
    said.textContent = (await copy(secret, "The token was copied.")) ? "Copied." : "The browser did not allow copying: select it, and copy it by hand.";
  });
  const node = el(
    "dialog",
    { class: "dialog", "aria-labelledby": "dialog-title" },
    el("h2", { class: "dialog-title", id: "dialog-title" }, title),
    el(
      "div",
      { class: "dialog-body" },
      el("p", {}, "Enter it at the provider now. It is shown this once: only a digest of it is kept here."),
      el("code", { class: "token", tabindex: "0" }, secret),
      said,
      el("div", { class: "row is-end" }, el("button", { class: "button", type: "button", on: { click: () => node.close() } }, "I have it"), taken),
    ),
  );
  open(node);
  taken.focus();
}

/** @param {any} token */
function change(token) {
  const rate = el("input", { class: "field", id: "rate", name: "rate", type: "number", min: "0", max: "1000000", step: "1", required: true, value: String(token.requests_per_minute), "aria-describedby": "rate-help" });
  const etags = el("input", { type: "checkbox", name: "etags", checked: token.etags });
  ask(
    `How ${token.name} is treated`,
    [
      el("div", {}, el("label", { class: "small", for: "rate" }, "Requests a minute"), rate, el("p", { class: "small soft", id: "rate-help" }, "0 is no limit. More are told to come later.")),
      el("label", { class: "reason" }, etags, "Announce versions (entity tags)"),
      el("p", { class: "small soft" }, "Some providers that are told of versions send ones of their own, and are then refused. Switch them off for these."),
    ],
    {
      deed: "Save",
      act: async () => {
        await changeScimToken(token.name, { requests_per_minute: Number(rate.value), etags: etags.checked });
        say(`How ${token.name} is treated was changed.`);
        await look();
      },
    },
  );
}

/** @param {any} token */
function rotate(token) {
  const overlap = el("select", { class: "field", id: "overlap", name: "overlap" }, ...OVERLAPS.map(([hours, words]) => el("option", { value: String(hours), selected: hours === OVERLAP }, hours === 0 ? "It ends at once" : `It goes on ${words}`)));
  ask(
    `Rotate the token for ${token.name}`,
    [
      el("p", {}, "A new token is made. The one in use goes on for a while, so that you can enter the new one at the provider without a gap."),
      el("div", {}, el("label", { class: "small", for: "overlap" }, "The token in use"), overlap),
      token.lives.length > 1 ? el("p", { class: "small" }, "The one before it, which still goes on, ends at once.") : null,
    ],
    {
      deed: "Make a new token",
      act: async () => {
        const made = await rotateScimToken(token.name, Number(overlap.value));
        await look();
        // After the dialog that asked has closed.
        queueMicrotask(() => show(`The new token for ${token.name}`, made.secret));
      },
    },
  );
}

/** @param {any} token */
function revoke(token) {
  ask(`Revoke the token for ${token.name}`, [el("p", {}, `The next request of ${token.name} is refused. People and groups stay as they are, and nobody who leaves the company is told of here until there is another token.`)], {
    deed: "Revoke it",
    alarm: true,
    act: async () => {
      await revokeScimToken(token.name);
      say(`The token for ${token.name} was revoked.`);
      await look();
    },
  });
}
