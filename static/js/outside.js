// @ts-check
/** What of the audit log is held outside this machine, and who is gone from it: an administrator's part of the audit page. */
import { checkpoints, erase, erasures, sendCheckpoint } from "./api.js";
import { askText } from "./dialogs.js";
import { $, counted, el } from "./dom.js";
import { say } from "./status.js";
import { age, roughly } from "./when.js";

const PLACES = /** @type {{[place: string]: string}} */ ({ folder: "Folder", syslog: "Syslog", url: "Other host" });

/**
 * How the log stands outside: `null` for what is only worth knowing, and the words.
 * @param {any} outside @param {Date} now @returns {[boolean|null, string]}
 */
export function outsideHealth(outside, now) {
  if (outside.places.length === 0) return [null, "No checkpoint leaves this machine: whoever owns it could rewrite the log unseen. Name a place under [audit] in the settings"];
  const failed = outside.places.find((/** @type {any} */ place) => place.cause);
  if (failed) return [false, `${PLACES[failed.place]} ${failed.address}: ${failed.cause}. To mend it: ${failed.remedy}`];
  if (!outside.newest_at) return [outside.every_minutes === 0 ? null : false, "No checkpoint was sent outside yet"];
  if (outside.leaves_since === 0) return [true, `All of it is held outside, by a checkpoint signed ${age(outside.newest_at, now)}`];
  const late = outside.every_minutes > 0 && now.getTime() - new Date(outside.newest_at).getTime() > 2 * outside.every_minutes * 60_000;
  return [late ? false : true, `The newest checkpoint outside was signed ${age(outside.newest_at, now)}; ${counted(outside.leaves_since, "entry has", "entries have")} come since`];
}

/** @param {boolean|null} good @param {any} words */
function line(good, words) {
  const [kind, word] = good === null ? ["is-note", "Note"] : good ? ["is-good", "Well"] : ["is-bad", "Look here"];
  return el("li", { class: "health" }, el("span", { class: "health-word" }, el("span", { class: `state ${kind}` }, word)), el("span", {}, words));
}

/** @param {any} place */
function placeLine(place) {
  const where = [el("strong", {}, PLACES[place.place]), ` ${place.address}: `];
  const taken = place.taken_at ? `took ${counted(place.taken_size, "entry", "entries")}, signed ${roughly(place.taken_at)}` : "nothing was taken yet";
  if (place.cause) return line(false, [...where, taken, el("div", {}, `${place.cause}.`), el("div", {}, `To mend it: ${place.remedy}.`)]);
  return line(place.doubt ? null : place.taken_at !== null, [...where, taken, place.doubt ? el("div", {}, `${place.doubt}.`) : null]);
}

/** Reads and draws it; gives which roles the reader has. @param {(cause: any) => void} trouble */
export async function drawOutside(trouble) {
  try {
    const found = await checkpoints();
    show(found.outside);
    $("#checkpoint-note").textContent = found.checkpoint;
    $("#checkpoint-key").textContent = found.key;
    $("#checkpoint").hidden = false;
    if (found.administrator) $("#outside-deeds").replaceChildren(el("button", { class: "button", type: "button", id: "send", on: { click: () => send(trouble) } }, "Send a checkpoint now"));
    return found;
  } catch (cause) {
    trouble(cause);
    return null;
  }
}

/** @param {any} outside */
function show(outside) {
  const [good, words] = outsideHealth(outside, new Date());
  const summary = outside.places.some((/** @type {any} */ place) => place.cause) ? [] : [line(good, `${words}.`)];
  $("#outside-list").replaceChildren(...summary, ...outside.places.map(placeLine));
}

/** @param {(cause: any) => void} trouble */
async function send(trouble) {
  const button = $("#send");
  button.disabled = true;
  say("Sending a checkpoint");
  try {
    const outside = await sendCheckpoint();
    show(outside);
    const failed = outside.places.filter((/** @type {any} */ place) => place.cause).length;
    say(failed > 0 ? `${counted(failed, "place")} did not take it.` : "It is held outside now.");
  } catch (cause) {
    trouble(cause);
  }
  button.disabled = false;
}

/** Who is gone and still stands in the log. */
export async function drawGone() {
  const { people } = await erasures();
  const rows = people.map((/** @type {any} */ person) => {
    const name = person.user_name ?? `Removed person ${person.id.slice(0, 8)}`;
    const button = el("button", { class: "button is-alarm", type: "button", on: { click: () => confirmErasure(person, name) } }, "Erase", el("span", { class: "unseen" }, ` ${name}`));
    return el("li", { class: "health" }, el("span", { class: "gone-person" }, el("strong", {}, name), el("div", { class: "soft" }, `id ${person.id}`), el("div", { class: "soft" }, person.last_at ? `last entry ${roughly(person.last_at)}` : "")), button);
  });
  $("#gone-list").replaceChildren(...(rows.length > 0 ? rows : [el("li", { class: "soft small" }, "Nobody. Everybody who stands in the log is active.")]));
}

/** @param {any} person @param {string} name */
function confirmErasure(person, name) {
  const word = person.user_name ?? person.id.slice(0, 8);
  askText({
    title: `Erase ${name}?`,
    words: "Nobody, no auditor either, will be able to tell which entries were theirs. It cannot be undone, and it is on record that you did it.",
    label: `To go on, write ${word}`,
    deed: "Erase",
    alarm: true,
    fits: (text) => text.trim() === word,
    act: async () => {
      try {
        await erase(person.id);
        say(`${name} was erased from the audit log.`);
        await drawGone();
      } catch (cause) {
        say(/** @type {Error} */ (cause).message);
      }
    },
  });
}
