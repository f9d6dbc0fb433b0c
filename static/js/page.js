// @ts-check
/** The page of questions: its state, what changes it, and where each part is drawn. */
import { ask, conversation, enter, me as fetchMe } from "./api.js";
import { askForm } from "./ask.js";
import { $, el, on } from "./dom.js";
import { historyList } from "./history.js";
import { lockedCard, unboundNote } from "./unlock.js";
import { listen, shortcuts } from "./keys.js";
import { account, assistants, signInAgain, welcome } from "./me.js";
import { closeSources } from "./sources.js";
import { say } from "./status.js";
import { turn, unreadable } from "./turn.js";

/** @typedef {import("./api.js").Problem} Problem */

const NOTE = "Answers can be wrong: look at their sources.";

/** Where the assistant that was chosen last is remembered, for those who have several. */
const CHOSEN = "sotto.assistant";

/** As in layout.css: below this the list of conversations is a drawer. */
const NARROW = matchMedia("(max-width: 1023.98px)");

const state = {
  /** @type {import("./me.js").Me|null} */
  me: null,
  /** The open conversation; null for a new one. @type {string|null} */
  conversation: null,
  /** Nothing of this conversation is kept. */
  temporary: false,
  /** The running answer. @type {AbortController|null} */
  running: null,
  /** Grows with each conversation that is opened, so that what comes late for an earlier one is dropped. */
  visit: 0,
};

const log = $("#log");
const form = askForm({ send, stop });
const list = historyList({
  open: (id) => go(`/conversations/${encodeURIComponent(id)}`),
  gone: (id) => {
    if (id === null || id === state.conversation) go("/", "stay");
  },
  renamed: (id, title) => {
    if (id === state.conversation) entitle(title);
  },
  failed,
  mayExport: () => state.me?.tier !== "reader",
});

$("#composer").append(form.node, el("p", { class: "composer-note" }, NOTE));
on($("#new"), "click", () => go("/"));
on($(".brand"), "click", (event) => {
  event.preventDefault();
  go("/");
});
on($("#temporary"), "click", () => {
  state.temporary = !state.temporary;
  drawTemporary();
  say(state.temporary ? "Temporary: nothing of this is kept." : "This conversation will be kept.");
});
on($("#drawer-open"), "click", () => drawer(true));
on($("#drawer-close"), "click", () => drawer(false));
on(window, "popstate", () => route());
on(NARROW, "change", () => drawer(false));
listen({
  search: () => {
    drawer(true);
    $("#find").focus();
  },
  fresh: () => go("/"),
  stop: () => {
    if (closeSources()) return true;
    if (drawer(false)) return true;
    return stop();
  },
  input: () => form.focus(),
  step,
});
begin();

async function begin() {
  try {
    await greet(remembered());
  } catch (cause) {
    failed(/** @type {Problem} */ (cause));
    return;
  }
  const me = /** @type {import("./me.js").Me} */ (state.me);
  $("#account").replaceChildren(account(me, { shortcuts, removeAll: list.removeEverything }));
  await Promise.all([route(), list.load()]);
}

/** Learns who is here, in the assistant that was chosen last or the first that is theirs. @param {string} chosen */
async function greet(chosen) {
  enter(chosen);
  try {
    state.me = await fetchMe();
  } catch (cause) {
    // It was taken from them since.
    if (!chosen || /** @type {Problem} */ (cause).status !== 404) throw cause;
    remember("");
    enter("");
    state.me = await fetchMe();
  }
  const me = /** @type {import("./me.js").Me} */ (state.me);
  const isOne = me.applications.length < 2;
  enter(isOne ? "" : me.application.id);
  $("#product").textContent = me.application.title;
  $("#assistants").replaceChildren(assistants(me, choose));
  form.offer(me.spaces);
}

/** Goes on in another assistant, with a new question. @param {string} id */
async function choose(id) {
  remember(id);
  try {
    await greet(id);
    go("/", "stay");
    $("#assistant")?.focus();
    say(`${state.me?.application.title} is chosen`);
  } catch (cause) {
    failed(/** @type {Problem} */ (cause));
  }
}

function remembered() {
  try {
    return localStorage.getItem(CHOSEN) ?? "";
  } catch {
    return "";
  }
}

/** @param {string} id */
function remember(id) {
  try {
    if (id) localStorage.setItem(CHOSEN, id);
    else localStorage.removeItem(CHOSEN);
  } catch {
    // Storage is switched off: the first one is chosen again at the next visit.
  }
}

/** The history is open from now on. */
async function unlocked() {
  if (state.me) state.me.history = "open";
  $("#account").replaceChildren(account(/** @type {any} */ (state.me), { shortcuts, removeAll: list.removeEverything }));
  list.forget();
  await Promise.all([route(), list.load()]);
}

/** Shows that the history is locked, and how it is unlocked. @param {string} [question] what was about to be asked */
function locked(question) {
  if (state.me) state.me.history = "locked";
  list.hide();
  if (log.querySelector("#locked")) return;
  entitle("Locked");
  const passing = () => {
    state.temporary = true;
    state.conversation = null;
    history.replaceState(null, "", "/");
    log.replaceChildren();
    entitle(null);
    drawTemporary();
    if (question) send(question);
    else focusForm();
  };
  log.replaceChildren(lockedCard({ unlocked, passing }));
  say("Your history is locked");
}

/** Goes to an address of this page. @param {string} path @param {"stay"} [focus] leaves the focus where it is */
function go(path, focus) {
  if (path !== location.pathname) history.pushState(null, "", path);
  route(focus);
}

/** Draws what the address names. @param {"stay"} [focus] */
async function route(focus) {
  const visit = leave();
  const id = /^\/conversations\/([^/]+)$/.exec(location.pathname)?.[1];
  state.conversation = id ? decodeURIComponent(id) : null;
  state.temporary = false;
  drawTemporary();
  list.show(state.conversation);
  form.draft(state.conversation ?? "new");
  if (!state.conversation) {
    entitle(null);
    log.replaceChildren();
    drawTemporary();
    if (state.me?.history === "locked") return locked();
    if (state.me) log.replaceChildren(welcome(state.me, send));
    if (state.me?.history === "unbound") log.prepend(unboundNote());
    if (focus !== "stay") focusForm();
    return;
  }
  try {
    const recalled = await conversation(state.conversation);
    if (visit !== state.visit) return;
    // A conversation goes on in the assistant that it was begun in.
    if (state.me && state.me.application.id !== recalled.application) await greet(recalled.application);
    if (visit !== state.visit) return;
    entitle(recalled.title);
    log.replaceChildren(...recalled.messages.map(drawRecalled));
    if (focus !== "stay") focusForm();
    log.lastElementChild?.scrollIntoView({ block: "start" });
    say(`${recalled.title ?? "The conversation"} is open`);
  } catch (cause) {
    if (visit !== state.visit) return;
    const problem = /** @type {Problem} */ (cause);
    if (problem.status === 404 || problem.status === 400) notThere();
    else if (problem.code === "history_locked") locked();
    else failed(problem);
  }
}

/** Stops what belongs to the conversation that is left; gives the number of the new visit. */
function leave() {
  state.running?.abort();
  closeSources();
  drawer(false);
  state.visit += 1;
  return state.visit;
}

/** @param {any} one a message as the server recalls it */
function drawRecalled(one) {
  if (one.is_unreadable) return unreadable();
  const drawn = turn(one.question, { insert: form.insert, again: send, isKept: true });
  drawn.end(one.answer, one.feedback);
  return drawn.node;
}

function notThere() {
  entitle("Not found");
  state.conversation = null;
  form.draft("new");
  log.replaceChildren(
    el(
      "div",
      { class: "welcome", id: "not-found" },
      el("h2", { class: "greeting" }, "There is no such conversation"),
      el("p", { class: "soft" }, "It was deleted, or it is not yours. Nobody can open another person's conversation."),
      el("p", {}, el("a", { href: "/" }, "Ask a new question")),
    ),
  );
  say("There is no such conversation");
}

/** Asks in the open conversation. @param {string} question */
async function send(question) {
  if (state.running) return;
  const visit = state.visit;
  const running = new AbortController();
  state.running = running;
  const drawn = turn(question, { insert: form.insert, again: send, isKept: !state.temporary });
  log.querySelector(".welcome")?.remove();
  log.append(drawn.node);
  drawn.begin();
  drawTemporary();
  drawn.node.scrollIntoView({ block: "start" });
  form.run(true);
  focusForm();
  let complete = false;
  try {
    const spaces = form.spaces();
    const body = { question, ...(state.conversation && { conversation_id: state.conversation }), ...(spaces.length > 0 && { spaces }), ...(state.temporary && { temporary: true }) };
    for await (const event of ask(body, running.signal)) {
      if (event.name === "started" && visit === state.visit) started(event.body.conversation_id, question);
      drawn.tell(event);
      if (event.name !== "answer") continue;
      drawn.end(event.body);
      complete = true;
    }
    if (!complete) drawn.fail(/** @type {any} */ (Object.assign(new Error("The answer ended before it was complete."), { requestId: null })));
  } catch (cause) {
    const problem = /** @type {Problem} */ (cause);
    if (running.signal.aborted) drawn.breakOff();
    else if (problem.status === 401) {
      // The draft outlives the way to the sign-in page and back.
      form.insert(question);
      signInAgain();
    } else if (problem.code === "history_locked") {
      form.insert(question);
      locked(question);
    } else if (problem.code === "history_unbound") {
      form.insert(question);
      drawn.node.remove();
      log.querySelector("#unbound")?.remove();
      log.prepend(unboundNote());
      log.querySelector("#unbound a")?.focus();
    } else drawn.fail(problem);
  } finally {
    if (state.running === running) {
      state.running = null;
      form.run(false);
    }
    if (!state.temporary && state.me?.history !== "locked") list.load();
  }
}

/** The server has named the conversation. @param {string} id @param {string} question */
function started(id, question) {
  if (state.temporary || state.conversation === id) return;
  state.conversation = id;
  history.replaceState(null, "", `/conversations/${encodeURIComponent(id)}`);
  entitle(question);
  drawTemporary();
  form.draft(id);
  list.begin(id, question);
}

function stop() {
  if (!state.running) return false;
  state.running.abort();
  return true;
}

/** @param {string|null} title */
function entitle(title) {
  const product = state.me?.application.title ?? "Sotto";
  $("#title").textContent = title ?? "New question";
  document.title = title ? `${title} · ${product}` : product;
}

/** Only a conversation that has not begun can be made temporary. */
function drawTemporary() {
  const button = $("#temporary");
  button.hidden = state.conversation !== null;
  button.disabled = log.querySelector(".turn") !== null;
  button.setAttribute("aria-pressed", String(state.temporary));
  $(".composer-note").textContent = state.temporary
    ? "Temporary: nothing is kept, and each question stands alone."
    : NOTE;
}

/** On a touch screen the focus would bring up the keyboard over the page, so there it waits for a tap. */
function focusForm() {
  if (!matchMedia("(pointer: coarse)").matches) form.focus();
}

/** Opens or closes the list on narrow screens; says whether it was open. @param {boolean} open */
function drawer(open) {
  const button = $("#drawer-open");
  const desk = $("#desk");
  const was = desk.classList.contains("has-drawer");
  if (was === open || (open && !NARROW.matches)) return was;
  desk.classList.toggle("has-drawer", open);
  button.setAttribute("aria-expanded", String(open));
  $("#main").inert = open;
  if (open) {
    desk.append(el("div", { class: "backdrop", on: { click: () => drawer(false) } }));
    $("#drawer-close").focus();
  } else {
    desk.querySelector(".backdrop")?.remove();
    button.focus();
  }
  return was;
}

/** Moves the focus to the answer before or after the one that is nearest to the top. @param {1|-1} by */
function step(by) {
  const heads = [...document.querySelectorAll(".answer-head")];
  const here = heads.findIndex((head) => head === document.activeElement);
  const from = here >= 0 ? here : by > 0 ? -1 : heads.length;
  const next = /** @type {HTMLElement|undefined} */ (heads[from + by]);
  if (!next) return;
  next.focus({ preventScroll: true });
  next.closest(".turn")?.scrollIntoView({ block: "start" });
}

/** @param {Problem} problem */
function failed(problem) {
  if (problem.status === 401) {
    signInAgain();
    return;
  }
  if (problem.code === "history_locked") return locked();
  const id = problem.requestId ? ` (request ${problem.requestId})` : "";
  const again = el("button", { class: "button", type: "button", on: { click: () => location.reload() } }, "Try again");
  log.querySelector(".notice")?.remove();
  log.prepend(el("div", { class: "notice", role: "alert" }, el("span", {}, problem.message + id), again));
}
