// @ts-check
/** Who is signed in, and where they are signed out. */
import { endSession, endSessionsOf, providers, sessions } from "./api.js";
import { confirm } from "./dialogs.js";
import { el } from "./dom.js";
import { list } from "./lists.js";
import { say } from "./status.js";
import { age, roughly } from "./when.js";

/** What each provider is called. @type {{[id: string]: string}} */
const names = {};

const sessionList = list("sessions", sessions, "sessions", row, "Nobody who fits is signed in.");
providers()
  .then((found) => found.providers.forEach((/** @type {any} */ one) => (names[one.id] = one.name)), () => {})
  .then(() => sessionList());

/** @param {any} session */
function row(session) {
  const name = session.user.display_name || "Somebody who is no longer in the directory";
  const by = session.emergency ? el("span", { class: "state is-bad" }, "Emergency") : (names[session.provider] ?? session.provider);
  const until = session.ends_at ? el("div", { class: "soft" }, `until ${roughly(session.ends_at)}`) : null;
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, name, session.user.user_name !== name ? el("div", { class: "soft" }, session.user.user_name) : null),
    el("td", {}, by),
    el("td", {}, roughly(session.began_at), until),
    el("td", {}, age(session.used_at, new Date())),
    el(
      "td",
      {},
      el("button", { class: "button", type: "button", on: { click: () => ask(session, name, false) } }, "Sign out", el("span", { class: "unseen" }, ` ${name}, this session`)),
      session.user.id ? el("button", { class: "quiet", type: "button", on: { click: () => ask(session, name, true) } }, "Everywhere", el("span", { class: "unseen" }, `: sign ${name} out`)) : null,
    ),
  );
}

/** @param {any} session @param {string} name @param {boolean} everywhere */
function ask(session, name, everywhere) {
  const what = everywhere ? `Every session of ${name} ends` : `This session of ${name} ends`;
  confirm({
    title: everywhere ? `Sign ${name} out everywhere?` : `Sign ${name} out?`,
    words: [`${what}, and what they are being answered stops. They can sign in again: to keep them out, switch them off under People and accounts.`],
    deed: "Sign out",
    act: async () => {
      await (everywhere ? endSessionsOf(session.user.id) : endSession(session.id));
      say(`${name} was signed out.`);
      sessionList();
    },
  });
}
