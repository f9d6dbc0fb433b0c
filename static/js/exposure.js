// @ts-check
/** What is open to more people than may have been meant. */
import { exposure } from "./api.js";
import { $, counted, el, outward } from "./dom.js";
import { say } from "./status.js";
import { table } from "./tables.js";
import { calm, trouble } from "./trouble.js";
import { exactly, roughly } from "./when.js";

/** Kinds as the server names them, in words: one, and many. @type {{[kind: string]: [string, string]}} */
const KINDS = {
  private_key: ["private key", "private keys"],
  cloud_key: ["key of a cloud account", "keys of cloud accounts"],
  token: ["access token", "access tokens"],
  key: ["key or secret", "keys or secrets"],
  password: ["password", "passwords"],
  iban: ["bank account", "bank accounts"],
  card: ["card number", "card numbers"],
};

/** Why nobody holds a group. @type {{[why: string]: string}} */
const WHY = {
  empty: "It has no member.",
  disabled: "All its members are disabled.",
  unmatched: "Its members are nobody the directory has.",
  gone: "It is named, and is not there any more.",
};

look();

async function look() {
  try {
    const report = await exposure();
    calm();
    draw(report);
    say("The report is ready.");
  } catch (cause) {
    for (const place of ["secrets", "open", "wide", "groups"]) $(`#${place}-found`).replaceChildren();
    trouble(cause);
  }
}

/** @param {any} report */
function draw(report) {
  $("#as-of").textContent = `As of ${roughly(report.at)}.`;
  const many = `more than ${Math.round(report.share * 100)} % of ${counted(report.people, "active person", "active people")}`;
  $("#secrets-found").replaceChildren(...secrets(report, many));
  $("#open-found").replaceChildren(...openSpaces(report.open_spaces));
  $("#wide-found").replaceChildren(...wide(report, many));
  $("#groups-found").replaceChildren(...groups(report));
}

/** @param {any} report @param {string} many */
function secrets(report, many) {
  const waiting = report.waiting > 0 && el("p", { class: "small soft" }, `${counted(report.waiting, "page")} still to be looked through.`);
  const meant = el("p", { class: "small soft" }, `Pages that ${many} may read. What fits a pattern is a hint: look at the page before you act on it.`);
  if (report.exposed === 0) return [meant, waiting, el("p", {}, "Nothing was found that looks like a key, a password, a token or an account number.")].filter(Boolean);
  const sums = report.kinds.map((/** @type {any} */ one) => `${kind(one.kind, one.count)} in ${counted(one.documents, "page")}`);
  const rows = report.findings.map((/** @type {any} */ one) => [
    page(one),
    one.space,
    one.found.map((/** @type {any} */ found) => kind(found.kind, found.count)).join(", "),
    one.readers.toLocaleString(),
    el("a", { href: `/admin/access?what=document&of=${encodeURIComponent(one.document_id)}` }, "Explain", el("span", { class: "unseen" }, ` who may read ${one.document_id}`)),
  ]);
  const rest = report.exposed - rows.length;
  return [
    meant,
    waiting,
    el("p", {}, `${sums.join("; ")}.`),
    table("Pages with what looks like a secret", [{ words: "Page" }, { words: "Space" }, { words: "Found" }, { words: "Readers", number: true }, { words: "Deeds", unseen: true }], rows),
    rest > 0 && el("p", { class: "soft" }, `and ${counted(rest, "more page")}`),
  ].filter(Boolean);
}

/** A page by its title where you may open it, else by its id. @param {any} one */
function page(one) {
  const url = outward(one.url);
  if (one.title === null) return [one.document_id, el("div", { class: "soft" }, "not yours to open")];
  return [url ? el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, one.title) : one.title, el("div", { class: "soft" }, one.document_id)];
}

/** @param {string} word @param {number} count */
function kind(word, count) {
  const [one, many] = KINDS[word] ?? [word, word];
  return counted(count, one, many);
}

/** @param {any[]} spaces */
function openSpaces(spaces) {
  if (spaces.length === 0) return [el("p", {}, "None. Each space names who may view it.")];
  const rows = spaces.map((one) => [
    [one.space, el("div", { class: "soft" }, one.source)],
    one.documents.toLocaleString(),
    one.if_closed.people === 0 ? "Nobody would lose a page." : `${counted(one.if_closed.people, "person", "people")} would lose ${counted(one.if_closed.documents, "page")}.`,
  ]);
  return [
    el("p", { class: "small soft" }, "Their permissions name \"anonymous\": whoever may use the wiki at all may view them."),
    table("Spaces open to whoever has an account", [{ words: "Space" }, { words: "Pages", number: true }, { words: "If it were closed to them" }], rows),
  ];
}

/** @param {any} report @param {string} many */
function wide(report, many) {
  const meant = el("p", { class: "small soft" }, `Pages that ${many} may read.`);
  if (report.wide.length === 0) return [meant, el("p", {}, "None.")];
  const rows = report.wide.map((/** @type {any} */ one) => [[one.space, el("div", { class: "soft" }, one.source)], one.documents.toLocaleString(), one.wide.toLocaleString(), one.everybody.toLocaleString()]);
  return [meant, table("Widely open pages", [{ words: "Space" }, { words: "Pages", number: true }, { words: "Widely open", number: true }, { words: "Open to everybody", number: true }], rows)];
}

/** @param {any} report */
function groups(report) {
  const meant = el("p", { class: "small soft" }, "To take them out of a grant changes nothing for anybody today. Left in, whoever is put into such a group tomorrow may read what it was once given.");
  if (report.groups.length === 0) return [meant, el("p", {}, "None. Every group has an active person in it.")];
  const rows = report.groups.map((/** @type {any} */ one) => [
    [one.name, el("div", { class: "soft" }, one.source ?? "identity provider")],
    [WHY[one.why], one.gone_since && el("div", { class: "soft" }, `Not seen since ${exactly(one.gone_since)}.`)],
    given(one),
  ]);
  return [meant, table("Groups that nobody holds", [{ words: "Group" }, { words: "Why" }, { words: "Given to it" }], rows), report.more_groups > 0 && el("p", { class: "soft" }, `and ${counted(report.more_groups, "more group")}`)].filter(Boolean);
}

/** @param {any} one */
function given(one) {
  const spaces = one.spaces.length > 0 ? `Spaces ${one.spaces.join(", ")}${one.more_spaces > 0 ? ` and ${one.more_spaces} more` : ""}` : "";
  const pages = one.pages > 0 ? `${counted(one.pages, "restricted page")}` : "";
  return [spaces, pages].filter(Boolean).join("; ") || "nothing";
}
