// @ts-check
/** Seats: who has one, and giving and taking many at once. */
import { applications, changeSeats, seats } from "./api.js";
import { open, tell } from "./dialogs.js";
import { $, counted, el, on } from "./dom.js";
import { receipt, trouble } from "./receipts.js";
import { say } from "./status.js";
import { day, roughly } from "./when.js";

/** How long somebody must pause before what they typed is looked for. */
const PAUSE_MS = 200;

const STATES = /** @type {{[state: string]: [string, string]}} */ ({
  unsubscribed: ["Unsubscribed", "is-note"],
  unassigned: ["Assigned to nothing", ""],
  inactive: ["Not active", ""],
});

/** Who is chosen, by id. @type {Map<string, string>} */
const chosen = new Map();

let asked = 0;
/** @type {number|undefined} */
let timer;

look();
drawChosen();
applications()
  .then((found) => $("#application").append(...found.applications.map((/** @type {any} */ one) => el("option", { value: one.id }, one.title))))
  .catch(trouble);
on($("#search"), "input", () => {
  clearTimeout(timer);
  timer = window.setTimeout(() => look(), PAUSE_MS);
});
on($("#search"), "submit", (event) => {
  event.preventDefault();
  look();
});
on($("#all"), "change", () => {
  for (const box of document.querySelectorAll("#rows input")) {
    /** @type {any} */ (box).checked = $("#all").checked;
    choose(/** @type {any} */ (box));
  }
});
for (const button of document.querySelectorAll(".bulk button")) on(button, "click", () => sure(/** @type {any} */ (button).dataset));

/** @param {string} [cursor] */
async function look(cursor = "") {
  const mine = (asked += 1);
  const question = new URLSearchParams(/** @type {any} */ (new FormData($("#search"))));
  if (cursor) question.set("cursor", cursor);
  try {
    const found = await seats(question);
    if (mine !== asked) return;
    $("#trouble").replaceChildren();
    $("#counts").replaceChildren(count("Seats", found.seats), count("Full", found.full), count("Readers", found.readers), count("Unsubscribed", found.unsubscribed));
    const rows = found.people.map(row);
    if (cursor) $("#rows").append(...rows);
    else {
      $("#rows").replaceChildren(...(rows.length > 0 ? rows : [el("tr", {}, el("td", { colspan: "6", class: "soft" }, "Nobody fits."))]));
      chosen.clear();
      $("#all").checked = false;
      drawChosen();
    }
    const more = el("button", { class: "button", type: "button", on: { click: () => look(found.next_cursor) } }, "Show more");
    $("#more").replaceChildren(...(found.next_cursor ? [more] : []));
    if (cursor) rows[0]?.querySelector("input")?.focus();
  } catch (cause) {
    trouble(cause);
  }
}

/** @param {string} words @param {number} number */
function count(words, number) {
  return el("div", { class: "count" }, el("dt", {}, words), el("dd", {}, number.toLocaleString()));
}

/** @param {any} one */
function row(one) {
  const box = el("input", { type: "checkbox", value: one.id, "aria-label": `Choose ${one.display_name}`, "data-name": one.display_name, on: { change: (/** @type {any} */ event) => choose(event.target) } });
  const [words, kind] = STATES[one.state] ?? [one.tier === "full" ? "Full" : "Reader", "is-good"];
  const is_seated = one.state === "seated";
  return el(
    "tr",
    {},
    el("td", {}, box),
    el("th", { scope: "row" }, one.display_name, el("div", { class: "soft" }, one.user_name)),
    el("td", {}, el("span", { class: `state ${kind}` }, words), el("div", { class: "soft" }, is_seated || one.state === "unsubscribed" ? (one.by === "administrator" ? "by an administrator" : "by assignment") : "")),
    el("td", {}, day(one.since_at)),
    el("td", {}, one.used_at ? roughly(one.used_at) : el("span", { class: "soft" }, "not known")),
    el("td", {}, one.applications.map((/** @type {any} */ application) => application.title).join(", ") || el("span", { class: "soft" }, "none")),
  );
}

/** @param {HTMLInputElement} box */
function choose(box) {
  if (box.checked) chosen.set(box.value, box.dataset.name ?? "");
  else chosen.delete(box.value);
  drawChosen();
}

function drawChosen() {
  $("#chosen").textContent = chosen.size === 0 ? "Nobody is chosen" : `${counted(chosen.size, "person", "people")} chosen`;
  for (const button of document.querySelectorAll(".bulk button")) /** @type {any} */ (button).disabled = chosen.size === 0;
}

/** What a deed comes to, for the question before it. @param {string} who @param {DOMStringMap} deed */
function words(who, deed) {
  if (deed.deed === "unsubscribe") return ["Unsubscribe", `${who} can sign in no more, and keep their assignments and conversations. A seat given later brings them back.`];
  if (deed.deed === "remove") return ["Unsubscribe and remove", `${who} can sign in no more and are assigned to nothing, whatever group they are in. Their conversations stay theirs, sealed, for as long as they are kept.`];
  if (deed.tier === "reader") return ["Give a reader's seat", `${who} ask and search, and export nothing. Their conversations older than seven days are destroyed within a minute, and nobody can bring them back.`];
  return ["Give a full seat", `${who} ask, search and export, in the applications that are assigned to them.`];
}

/** Asks before it is done. @param {DOMStringMap} deed */
function sure(deed) {
  const names = [...chosen.values()];
  const who = names.length <= 3 ? names.join(", ") : `${names.slice(0, 2).join(", ")} and ${names.length - 2} more`;
  const [title, says] = words(who, deed);
  const wrong = el("p", { class: "small", role: "alert" });
  const go = el("button", { class: deed.deed === "subscribe" && deed.tier === "full" ? "button is-main" : "button is-alarm", type: "button", on: { click: act } }, title);
  const node = el(
    "dialog",
    { class: "dialog", "aria-labelledby": "sure-title" },
    el("h2", { class: "dialog-title", id: "sure-title" }, title),
    el("div", { class: "dialog-body" }, el("p", {}, says), el("p", { class: "small soft" }, "It counts from their next request on, and is on record with a receipt for each."), wrong, el("div", { class: "row is-end" }, el("button", { class: "button", type: "button", on: { click: () => node.close() } }, "Cancel"), go)),
  );
  open(node);
  go.focus();

  async function act() {
    go.disabled = true;
    try {
      const done = await changeSeats({ deed: deed.deed ?? "", ...(deed.tier && { tier: deed.tier }), people: [...chosen.keys()] });
      const names = new Map(chosen);
      node.close();
      receipts(title, done.changed, names);
      look();
    } catch (cause) {
      wrong.textContent = /** @type {Error} */ (cause).message;
      go.disabled = false;
    }
  }
}

/** @param {string} title @param {any[]} changed @param {Map<string, string>} names */
function receipts(title, changed, names) {
  say(`${title}: done for ${counted(changed.length, "person", "people")}.`);
  const rows = changed.map((one) => {
    const still = one.still_assigned.length > 0 ? `The settings file still assigns ${one.still_assigned.join(", ")}; without a seat it cannot be used.` : null;
    const from = one.removed_from.length > 0 ? `Taken out of ${one.removed_from.join(", ")}.` : null;
    return el("li", { class: "receipt" }, el("strong", {}, names.get(one.id) ?? one.id), from ? el("p", { class: "small" }, from) : null, still ? el("p", { class: "small" }, still) : null, receipt(one.receipt));
  });
  tell(`${title}: receipts`, el("ul", {}, rows));
}
