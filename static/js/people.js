// @ts-check
/** People, groups and accounts: who holds which account of the wiki, and what an administrator says of it. */
import { aliases, changeUser, clearAccount, conflicts, endSessionsOf, giveAccount, groups, members, removeMember, removeUser, users } from "./api.js";
import { confirm, open, tell } from "./dialogs.js";
import { $, counted, el, on } from "./dom.js";
import { list, trouble } from "./lists.js";
import { say } from "./status.js";

const BECAUSE = /** @type {{[by: string]: string}} */ ({
  administrator: "An administrator said so",
  name: "Same user name",
  email: "Same e-mail address",
});

const accountList = list("accounts", aliases, "aliases", accountRow, "No account fits.");
const peopleList = list("people", users, "users", personRow, "Nobody fits.");
const groupList = list("groups", groups, "groups", groupRow, "No group fits.");

// What the health page says is shown at once.
const given = new URLSearchParams(location.search);
if (given.get("state")) $("#accounts-state").value = given.get("state");

accountList();
peopleList();
groupList();
drawConflicts();

/** @param {any} account */
function accountRow(account) {
  const name = account.user_name || account.display_name || account.key;
  const holder = account.person ? [account.person.display_name, el("div", { class: "soft" }, account.person.user_name)] : account.set_aside ? "Nobody, by an administrator's word" : "Nobody";
  const wasSaid = account.set_aside || account.by === "administrator";
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, name, el("div", { class: "soft" }, [account.display_name !== name && account.display_name, account.active ? null : "not active"].filter(Boolean).join(", "))),
    el("td", {}, account.source),
    el("td", {}, holder),
    el("td", {}, account.by ? BECAUSE[account.by] : ""),
    el(
      "td",
      {},
      el("button", { class: "button", type: "button", on: { click: () => decide(account) } }, "Decide", el("span", { class: "unseen" }, ` whose ${name} is`)),
      wasSaid ? el("button", { class: "quiet", type: "button", on: { click: () => takeBack(account, name) } }, "Take back", el("span", { class: "unseen" }, ` what was said of ${name}`)) : null,
    ),
  );
}

/** @param {any} person */
function personRow(person) {
  const state = person.active ? (person.assigned ? ["May ask", "is-good"] : ["Not assigned", "is-note"]) : ["Not active", ""];
  const accounts = person.accounts.map((/** @type {any} */ one) => `${one.user_name || one.key} (${one.source})`);
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, person.display_name, el("div", { class: "soft" }, person.user_name)),
    el("td", {}, el("span", { class: `state ${state[1]}` }, state[0])),
    el("td", {}, person.groups.map((/** @type {any} */ group) => group.name).join(", ") || "none"),
    el("td", {}, person.roles.join(", ")),
    el("td", {}, accounts.join(", ") || "none"),
    el("td", {}, el("button", { class: "button", type: "button", on: { click: () => manage(person) } }, "Manage", el("span", { class: "unseen" }, ` ${person.display_name}`))),
  );
}

/** What the provider may do afterwards: whoever sends people decides about them again at its next push. */
const COMES_BACK = "They came from your identity provider, which may bring them back at its next push. Change it there too.";

/** What can be done with a person; each deed is confirmed. @param {any} person */
function manage(person) {
  const name = person.display_name;
  /** @param {string} words @param {{title: string, words: string[], deed: string, alarm?: boolean, act: () => Promise<any>, said: string}} look */
  const deed = (words, look) =>
    el("li", {}, el("button", { class: look.alarm ? "button is-alarm" : "button", type: "button", on: { click: () => {
      node.close();
      confirm({ ...look, act: () => look.act().then(() => done(look.said)) });
    } } }, words));
  const deeds = [
    person.active
      ? deed("Switch off", {
          title: `Switch ${name} off?`,
          words: [`${name} is signed out everywhere at once, what they are being answered stops, and they cannot sign in.`, COMES_BACK],
          deed: "Switch off",
          alarm: true,
          act: () => changeUser(person.id, false),
          said: `${name} was switched off.`,
        })
      : deed("Switch on", {
          title: `Switch ${name} on?`,
          words: [`${name} may sign in again and read what they could read before.`, "Your identity provider had them switched off, or an administrator did; it may switch them off again at its next push."],
          deed: "Switch on",
          act: () => changeUser(person.id, true),
          said: `${name} was switched on.`,
        }),
    deed("Sign out everywhere", {
      title: `Sign ${name} out?`,
      words: [`Every session of ${name} ends, and what they are being answered stops. They can sign in again.`],
      deed: "Sign out",
      act: () => endSessionsOf(person.id),
      said: `${name} was signed out everywhere.`,
    }),
    ...person.groups.map((/** @type {any} */ group) =>
      deed(`Take out of ${group.name}`, {
        title: `Take ${name} out of ${group.name}?`,
        words: [`${name} loses what only ${group.name} gave them, from their next request on.`, COMES_BACK],
        deed: "Take out",
        act: () => removeMember(group.id, person.id),
        said: `${name} was taken out of ${group.name}.`,
      }),
    ),
    deed("Remove", {
      title: `Remove ${name}?`,
      words: [`${name} is signed out and removed, and the keys of their conversations are destroyed: nobody can read these again, and it cannot be undone.`, `${COMES_BACK} Whoever comes back is somebody new, without history.`],
      deed: "Remove for good",
      alarm: true,
      act: () => removeUser(person.id),
      said: `${name} was removed.`,
    }),
  ];
  const node = tell(name, el("p", { class: "soft" }, person.external_id ? `${person.user_name}, provisioned as ${person.external_id}` : `${person.user_name}, provisioned without an external id`), el("ul", { class: "deeds", role: "list" }, deeds));
}

/** @param {any} group */
function groupRow(group) {
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, group.name),
    el("td", { class: "is-number" }, group.people.toLocaleString()),
    el("td", { class: "is-number" }, group.nested.toLocaleString()),
    el("td", {}, el("button", { class: "button", type: "button", on: { click: () => showMembers(group) } }, "Show people", el("span", { class: "unseen" }, ` of ${group.name}`))),
  );
}

/** @param {any} group */
async function showMembers(group) {
  try {
    const found = await members(group.id, new URLSearchParams({ limit: "200" }));
    const rows = found.members.map((/** @type {any} */ one) => el("li", {}, one.display_name, " ", el("span", { class: "soft" }, one.active ? one.user_name : `${one.user_name}, not active`)));
    const rest = group.people - rows.length;
    tell(group.name, rows.length > 0 ? el("ul", {}, rows) : el("p", {}, "Nobody is in it."), ...(rest > 0 ? [el("p", { class: "soft" }, `and ${counted(rest, "more person", "more people")}`)] : []));
  } catch (cause) {
    trouble(cause);
  }
}

async function drawConflicts() {
  try {
    const found = await conflicts();
    const cards = found.conflicts.map((/** @type {any} */ one) => {
      const people = one.people.map((/** @type {any} */ person) => `${person.display_name} (${person.user_name})`).join(", ");
      const deeds = one.accounts.map((/** @type {any} */ account) => {
        const name = account.user_name ?? account.key;
        const whole = { ...account, source: one.source, suggested: one.people };
        const isGone = account.user_name === null;
        return el("li", {}, `${name} `, el("span", { class: "soft" }, `key ${account.key}`), " ", isGone ? el("button", { class: "button", type: "button", on: { click: () => takeBack(whole, name) } }, "Take back", el("span", { class: "unseen" }, ` what was said of ${name}`)) : el("button", { class: "button", type: "button", on: { click: () => decide(whole) } }, "Decide", el("span", { class: "unseen" }, ` whose ${name} is`)));
      });
      return el("div", { class: "calm" }, el("p", {}, el("strong", {}, one.source), `: ${one.summary}`), people ? el("p", {}, `People: ${people}`) : null, el("ul", {}, deeds));
    });
    $("#conflict-list").replaceChildren(...(cards.length > 0 ? cards : [el("p", { class: "soft" }, "Nothing. Every account that could be two people's has been decided.")]));
  } catch (cause) {
    trouble(cause);
  }
}

/** Asks whose an account is: people are looked for as somebody types. @param {any} account */
function decide(account) {
  const name = account.user_name || account.display_name || account.key;
  const field = el("input", { class: "field", id: "decide-query", type: "search", autocomplete: "off", spellcheck: "false" });
  const choices = el("fieldset", { class: "reasons" }, el("legend", { class: "unseen" }, "People"));
  const send = el("button", { class: "button is-main", type: "submit", disabled: true }, "Give it to them");
  const wrong = el("p", { class: "small", role: "alert" });
  let asked = 0;
  async function look() {
    const mine = (asked += 1);
    let found = [];
    try {
      found = field.value.trim() === "" && account.suggested ? account.suggested : (await users(new URLSearchParams({ query: field.value.trim(), limit: "8" }))).users;
    } catch (cause) {
      wrong.textContent = /** @type {Error} */ (cause).message;
    }
    if (mine !== asked) return;
    send.disabled = true;
    const rows = found.map((/** @type {any} */ person) =>
      el("label", { class: "reason" }, el("input", { type: "radio", name: "person", value: person.id, on: { change: () => (send.disabled = false) } }), `${person.display_name} (${person.user_name})`),
    );
    choices.replaceChildren(el("legend", { class: "unseen" }, "People"), ...(rows.length > 0 ? rows : [el("p", { class: "soft" }, "Nobody fits.")]));
  }
  /** @param {string|null} user @param {string} words */
  async function give(user, words) {
    try {
      await giveAccount(account.source, account.key, user);
      node.close();
      done(words);
    } catch (cause) {
      wrong.textContent = /** @type {Error} */ (cause).message;
    }
  }
  const form = el(
    "form",
    { class: "dialog-body", method: "dialog" },
    el("p", {}, `Whoever holds it may read what ${name} may read in ${account.source}, from their next request on. It is on record that you said so.`),
    el("div", {}, el("label", { class: "small", for: "decide-query" }, "Person"), field),
    choices,
    wrong,
    el(
      "div",
      { class: "row is-end" },
      el("button", { class: "button", type: "button", on: { click: () => node.close() } }, "Cancel"),
      el("button", { class: "button", type: "button", on: { click: () => give(null, `${name} is nobody's now.`) } }, "It is nobody's"),
      send,
    ),
  );
  on(form, "submit", (event) => {
    event.preventDefault();
    const chosen = form.querySelector("input[name=person]:checked");
    if (chosen) give(chosen.value, `${name} was given to ${chosen.parentElement.textContent}.`);
  });
  on(field, "input", look);
  const node = el("dialog", { class: "dialog", "aria-labelledby": "dialog-title" }, el("h2", { class: "dialog-title", id: "dialog-title" }, `Whose is ${name}?`), form);
  open(node);
  field.focus();
  look();
}

/** @param {any} account @param {string} name */
async function takeBack(account, name) {
  try {
    await clearAccount(account.source, account.key);
    done(`What was said of ${name} was taken back.`);
  } catch (cause) {
    trouble(cause);
  }
}

/** @param {string} words */
function done(words) {
  say(words);
  accountList();
  peopleList();
  groupList();
  drawConflicts();
}
