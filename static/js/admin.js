// @ts-check
/** Administration: whether Sotto is well, and where each source stands. Counts and states, never content. */
import { overview, providers, sources, sync } from "./api.js";
import { $, counted, el } from "./dom.js";
import { signInAgain } from "./me.js";
import { outsideHealth } from "./outside.js";
import { changes, drawFailures, modeWords, phaseWords, stateOf } from "./runs.js";
import { say } from "./status.js";
import { drawTodo } from "./todo.js";
import { age, roughly } from "./when.js";

/** How often the page asks: while a sync runs, and otherwise. */
const BUSY_MS = 3000;
const CALM_MS = 15_000;

/** For so long the use of an emergency administrator is worth a look. */
const RECENT_MS = 30 * 24 * 3600 * 1000;

/** What the tables show, as text: they are drawn anew only when it has changed, so that focus stays. */
let drawn = "";

/** Sources whose failures were folded away. @type {Set<string>} */
const closed = new Set();

/** @type {number|undefined} */
let timer;

look();
providers().then((found) => $("#provider-list").replaceChildren(...found.providers.map(provider))).catch((cause) => trouble(cause.message, cause.requestId));
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) look();
});

async function look() {
  clearTimeout(timer);
  let busy = false;
  try {
    const [whole, listed] = await Promise.all([overview(), sources()]);
    $("#trouble").replaceChildren();
    draw(whole, listed.sources);
    busy = listed.sources.some((/** @type {any} */ source) => source.runs[0]?.state === "running");
  } catch (cause) {
    const problem = /** @type {import("./api.js").Problem} */ (cause);
    if (problem.status === 401) return signInAgain();
    trouble(problem.message, problem.requestId);
  }
  if (!document.hidden) timer = window.setTimeout(look, busy ? BUSY_MS : CALM_MS);
}

/** @param {string} words @param {string|null} request */
function trouble(words, request) {
  $("#trouble").replaceChildren(el("div", { class: "calm" }, el("p", {}, words), request ? el("p", { class: "small soft" }, `Request ${request}`) : null));
}

/** @param {any} whole @param {any[]} listed */
function draw(whole, listed) {
  const now = new Date();
  $("#as-of").textContent = `Sotto ${whole.version}, as of ${roughly(whole.at)}.`;
  const text = JSON.stringify([{ ...whole, at: null }, listed, Math.floor(now.getTime() / 30_000)]);
  if (text === drawn) return;
  drawn = text;
  const focused = document.activeElement?.id;
  $("#todo-list").replaceChildren(...drawTodo(whole.todo, now));
  $("#counts").replaceChildren(
    count("Documents", whole.documents),
    count("Passages", whole.passages),
    count("People", whole.active_people),
    count("Groups", whole.groups),
    count("Audit entries", whole.audit_size),
  );
  $("#health-list").replaceChildren(...health(whole, listed, now));
  $("#source-rows").replaceChildren(...listed.map((source) => row(source, now)));
  $("#failures").replaceChildren(...listed.flatMap(failures));
  if (focused) document.getElementById(focused)?.focus();
}

/** @param {string} words @param {number} number */
function count(words, number) {
  return el("div", { class: "count" }, el("dt", {}, words), el("dd", {}, number.toLocaleString()));
}

/** @param {any} whole @param {any[]} listed @param {Date} now */
function health(whole, listed, now) {
  const [outsideGood, outsideWords] = outsideHealth(whole.outside, now);
  const unmatched = whole.unmatched.reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + one.accounts, 0);
  return [
    line("Model", true, whole.model),
    line("Search", true, whole.embedder ? (whole.without_vectors > 0 ? `Words and meaning; ${counted(whole.without_vectors, "passage")} still to be read for meaning` : "Words and meaning") : "Words only; no embedder is installed"),
    ...listed.map((source) => line(`Source ${source.name}`, ["succeeded", "running", undefined].includes(source.runs[0]?.state), `permissions read whole ${age(source.permissions_as_of, now)}`)),
    line("Directory", unmatched === 0 || null, unmatched === 0 ? "Every account of a source belongs to a person" : [el("a", { href: "/admin/people?state=unmatched#accounts" }, counted(unmatched, "account")), " of sources belong to no person; they can open nothing"]),
    line("Provisioning", whole.scim_last_at !== null, [el("a", { href: "/admin/scim" }, "The identity provider"), whole.scim_last_at ? ` last called ${age(whole.scim_last_at, now)}` : " has not called yet"]),
    emergency(whole.emergency, now),
    line("Audit log", whole.checkpoint_at !== null, whole.checkpoint_at ? `Last checkpoint signed ${age(whole.checkpoint_at, now)}` : "No checkpoint has been signed yet"),
    line("Held outside", outsideGood, [el("a", { href: "/admin/audit#outside" }, outsideWords), "."]),
  ];
}

/** Whether somebody could sign in if no provider answered, and whether somebody did. @param {any} found @param {Date} now */
function emergency(found, now) {
  const name = "Emergency administrators";
  if (found.last_at && now.getTime() - new Date(found.last_at).getTime() < RECENT_MS) return line(name, false, `${found.last_name} signed in without the identity provider ${age(found.last_at, now)}. If you do not know why, find out: the audit log has what was done`);
  if (found.administrators === 0) return line(name, null, "None. If the identity provider is away, nobody can come in; \"sotto admin create NAME\" on the console makes one");
  return line(name, true, `${counted(found.administrators, "administrator")}; ${found.last_at ? `used last ${age(found.last_at, now)}` : "never used"}`);
}

/** A provider, and the way to what it sends. @param {{id: string, name: string}} one */
function provider(one) {
  const words = ["See what it sends", el("span", { class: "unseen" }, `: ${one.name}`)];
  return el("li", { class: "health" }, el("strong", {}, one.name), el("a", { href: `/admin/providers/${encodeURIComponent(one.id)}/test` }, words));
}

/** @param {string} what @param {boolean|null} good `null` for what is only worth knowing @param {any} words */
function line(what, good, words) {
  const [kind, word] = good === null ? ["is-note", "Note"] : good ? ["is-good", "Well"] : ["is-bad", "Look here"];
  return el("li", { class: "health" }, el("span", { class: "health-word" }, el("span", { class: `state ${kind}` }, word)), el("span", {}, el("strong", {}, what), ": ", words));
}

/** @param {any} source @param {Date} now */
function row(source, now) {
  const run = source.runs[0];
  const running = run?.state === "running";
  // Held: the run would have removed too much. Pressing the button says that the pages are really gone.
  const held = run?.state === "held";
  const button = el("button", { class: "button", type: "button", id: `sync-${source.name}`, disabled: running }, held ? "Remove and sync" : "Sync now", el("span", { class: "unseen" }, `: ${source.name}`));
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await sync(source.name, held);
      say(`A sync of ${source.name} has begun.`);
    } catch (cause) {
      const problem = /** @type {import("./api.js").Problem} */ (cause);
      trouble(problem.message, problem.requestId);
    }
    drawn = "";
    look();
  });
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, el("a", { href: `/admin/sources/${encodeURIComponent(source.name)}` }, source.name), el("div", { class: "soft" }, source.url)),
    el("td", {}, stateOf(run), running ? el("div", { class: "soft" }, `${phaseWords(run.phase)}, ${counted(run.seen, "document")} seen`) : null, run?.failures.length > 0 ? el("div", {}, el("a", { href: `#failures-${source.name}` }, counted(run.failures.length, "failure"))) : null),
    el("td", { class: "is-number" }, source.documents.toLocaleString()),
    el("td", {}, run ? [roughly(run.ended_at ?? run.began_at), el("div", { class: "soft" }, changes(run))] : "never"),
    el("td", {}, source.next_at ? [roughly(source.next_at), el("div", { class: "soft" }, modeWords(source.next_mode))] : "on demand"),
    el("td", {}, age(source.permissions_as_of, now)),
    el("td", {}, button),
  );
}

/** @param {any} source */
function failures(source) {
  const all = source.runs[0]?.failures ?? [];
  if (all.length === 0) return [];
  const keepOpen = (/** @type {any} */ event) => {
    if (event.target.open) closed.delete(source.name);
    else closed.add(source.name);
  };
  return [
    el(
      "details",
      { class: "failures", id: `failures-${source.name}`, open: !closed.has(source.name), on: { toggle: keepOpen } },
      el("summary", {}, `${source.name}: ${counted(all.length, "thing")} could not be read`),
      drawFailures(all, `Failures of ${source.name}`),
    ),
  ];
}
