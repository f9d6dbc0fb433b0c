// @ts-check
/** A leaf of the audit log: as a row, and whole, with the proof that it is in the log, which this browser works out itself. */
import { tell } from "./dialogs.js";
import { el } from "./dom.js";
import { exactly } from "./when.js";

/** Events as they stand in the log, in words. */
const EVENTS = /** @type {{[event: string]: string}} */ ({
  aliased: "Account given or taken back",
  application_changed: "Assistant changed",
  application_deleted: "Assistant deleted",
  application_made: "Assistant made",
  assigned: "Assistant assigned",
  answered: "Answered",
  asked: "Asked",
  audit_read: "Audit log read",
  checkpoint_sent: "Checkpoint sent outside",
  desk: "Administration",
  explained: "Right explained",
  key_forgotten: "Conversation's key destroyed",
  opened: "Page opened",
  permissions_changed: "Permissions changed",
  person_erased: "Person erased from the log",
  person_forgotten: "Person's keys destroyed",
  provisioned: "Provisioned",
  rated: "Answer rated",
  recalled: "Conversation read again",
  removed: "Seat and assistants taken",
  searched: "Searched",
  settings_changed: "Settings changed",
  sign_in_refused: "Sign-in refused",
  sign_out_refused: "Sign-out refused",
  signed_in: "Signed in",
  signed_out: "Signed out",
  source_gone: "Source gone",
  source_set: "Source set",
  started: "Started",
  stopped: "Stopped",
  subscribed: "Seat given",
  sync_ended: "Sync ended",
  sync_started: "Sync began",
  tail_cut: "Torn end cut off",
  tested: "Page tested",
  unassigned: "Assistant taken back",
  unsubscribed: "Seat taken",
  upgraded: "Upgraded",
});

/** Fields that are digests: whole only where the leaf is shown whole. */
const DIGESTS = ["actor", "subject", "question", "inputs", "query", "visible"];

/** @param {string} event */
export const eventWords = (event) => EVENTS[event] ?? event.replaceAll("_", " ");

/** A person, by name for who may be told. @param {any} person @param {string|undefined} commitment */
export function who(person, commitment) {
  if (person) return person.user_name ?? el("span", {}, "gone ", el("code", {}, person.id.slice(0, 8)));
  return commitment ? el("span", { class: "soft", title: commitment }, "a person") : "";
}

/** The fields of a leaf in one line. @param {any} fields */
function details(fields) {
  const told = Object.entries(fields).filter(([name, value]) => !DIGESTS.includes(name) && value !== "" && !(Array.isArray(value) && value.length === 0));
  return told.map(([name, value]) => `${name.replaceAll("_", " ")}: ${Array.isArray(value) ? short(value) : value}`).join(", ");
}

/** @param {any[]} values */
const short = (values) => (values.length > 3 ? `${values.slice(0, 3).join(", ")} and ${values.length - 3} more` : values.join(", "));

/** @param {any} leaf @param {(index: number) => void} show */
export function leafRow(leaf, show) {
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, exactly(leaf.at), el("div", { class: "soft" }, `leaf ${leaf.index.toLocaleString()}`)),
    el("td", {}, eventWords(leaf.event)),
    el("td", {}, who(leaf.actor, leaf.fields.actor) || leaf.fields.by || ""),
    el("td", {}, who(leaf.subject, leaf.fields.subject)),
    el("td", { class: "leaf-details" }, details(leaf.fields)),
    el("td", {}, showButton(leaf, show)),
  );
}

/** A leaf in a report: how something was shown, and of which documents. @param {any} leaf @param {(index: number) => void} show */
export function reportRow(leaf, show) {
  const passages = [...(leaf.fields.shown ?? []), ...(leaf.fields.cited ?? [])];
  const documents = [...new Set(passages.map((/** @type {string} */ id) => id.split("@")[0]).concat(leaf.fields.document ?? []))];
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, exactly(leaf.at), el("div", { class: "soft" }, `leaf ${leaf.index.toLocaleString()}`)),
    el("td", {}, eventWords(leaf.event)),
    el("td", {}, who(leaf.actor, leaf.fields.actor) || leaf.fields.by || ""),
    el("td", { class: "leaf-details" }, documents.join(", ")),
    el("td", {}, showButton(leaf, show)),
  );
}

/** @param {any} leaf @param {(index: number) => void} show */
function showButton(leaf, show) {
  return el("button", { class: "button", type: "button", on: { click: () => show(leaf.index) } }, "Show", el("span", { class: "unseen" }, ` leaf ${leaf.index}`));
}

/** Shows a leaf whole, and proves it here. @param {any} proven */
export async function showLeaf(proven) {
  const { leaf } = proven;
  const fits = await isIn(proven.line, leaf.index, proven.size, proven.proof, proven.root);
  const verdict = fits
    ? el("span", { class: "state is-good" }, `This browser worked the root out from the line below and ${proven.proof.length} hashes: it is the one that was signed.`)
    : el("span", { class: "state is-bad" }, "The hashes do not lead from this line to the root that was signed: the log was changed.");
  const fact = (/** @type {string} */ word, /** @type {any} */ value) => el("div", { class: "fact" }, el("dt", {}, word), el("dd", {}, value));
  const people = [leaf.actor && fact("By", personWords(leaf.actor)), leaf.subject && fact("About", personWords(leaf.subject))];
  tell(
    `Leaf ${leaf.index.toLocaleString()}: ${eventWords(leaf.event)}`,
    el("p", { class: "verdict" }, verdict),
    el("dl", {}, fact("When", `${exactly(leaf.at)} (${leaf.at})`), ...people, fact("Hash", el("code", {}, proven.hash)), fact("Root", el("code", {}, `${proven.root} of ${proven.size} leaves`))),
    el("pre", { class: "leaf-text", tabindex: "0", role: "region", "aria-label": "The line that is hashed" }, proven.line),
    el("p", {}, el("a", { class: "button", href: `/api/v1/admin/proofs?leaf=${leaf.index}`, download: `leaf-${leaf.index}.tlog-proof` }, "Download the receipt"), " ", el("span", { class: "small soft" }, "Line, proof and checkpoint in one text; it verifies offline with the log's key alone.")),
  );
}

/** @param {any} person */
const personWords = (person) => (person.user_name ? `${person.display_name} (${person.user_name}), id ${person.id}` : `gone, id ${person.id}`);

/**
 * Whether a line is in a tree of this root (RFC 9162, section 2.1.3.2).
 * @param {string} line @param {number} index @param {number} size @param {string[]} proof in hex @param {string} root in hex
 */
export async function isIn(line, index, size, proof, root) {
  let [at, last] = [index, size - 1];
  if (at > last) return false;
  let hash = await digest(0, [new TextEncoder().encode(line)]);
  for (const next of proof.map(bytes)) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      hash = await digest(1, [next, hash]);
      while (at !== 0 && at % 2 === 0) [at, last] = [at / 2, Math.floor(last / 2)];
    } else {
      hash = await digest(1, [hash, next]);
    }
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0 && hex(hash) === root;
}

/** SHA-256 behind a mark: 0 for a leaf, 1 for two hashes. @param {number} mark @param {Uint8Array[]} parts */
async function digest(mark, parts) {
  const whole = new Uint8Array(1 + parts.reduce((sum, part) => sum + part.length, 0));
  whole[0] = mark;
  let end = 1;
  for (const part of parts) {
    whole.set(part, end);
    end += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
}

/** @param {string} text */
const bytes = (text) => Uint8Array.from(text.match(/../g) ?? [], (two) => Number.parseInt(two, 16));

/** @param {Uint8Array} all */
const hex = (all) => [...all].map((byte) => byte.toString(16).padStart(2, "0")).join("");
