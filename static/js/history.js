// @ts-check
/** The list of conversations: search, rename, export, delete and take back. */
import { conversations, exportPath, remove, removeAll, rename, searchConversations, undo } from "./api.js";
import { $, counted, el, icon, on } from "./dom.js";
import { askText } from "./dialogs.js";
import { menu } from "./menu.js";
import { say } from "./status.js";
import { heading } from "./when.js";

/** How long somebody must pause before what they typed is looked for. */
const PAUSE_MS = 200;

/** As the server has it: after this the key is destroyed. */
const UNDO_S = 10;

/**
 * @typedef {{conversation_id: string, title: string|null, changed_at: string}} Listed
 * @param {{open: (id: string) => void, gone: (id: string|null) => void, renamed: (id: string, title: string) => void,
 *   failed: (problem: import("./api.js").Problem) => void, mayExport: () => boolean}} deeds
 */
export function historyList(deeds) {
  const place = $("#listing");
  const find = $("#find");
  /** @type {Listed[]} */
  let all = [];
  /** @type {string|null} */
  let current = null;
  /** What was deleted and can be taken back, with the seconds that are left. @type {Map<string, number>} */
  const leaving = new Map();
  /** What the server found for the words in the field; null where nothing is looked for. @type {any[]|null} */
  let found = null;
  /** The search under way. @type {AbortController|null} */
  let searching = null;
  /** @type {number|undefined} */
  let timer;
  let isHidden = false;

  on(find, "input", soon);
  on(find, "keydown", (event) => {
    if (event.key !== "Escape" || find.value === "") return;
    event.stopPropagation();
    find.value = "";
    soon();
  });

  return { load, show, begin, removeEverything, hide, forget };

  /** Shows nothing: the history is locked. */
  function hide() {
    isHidden = true;
    all = [];
    found = null;
    find.value = "";
    find.disabled = true;
    drawRows();
  }

  /** What was hidden may be shown again with the next load. */
  function forget() {
    isHidden = false;
    find.disabled = false;
  }

  /** Looks for what was typed, once nobody types any more. */
  function soon() {
    clearTimeout(timer);
    searching?.abort();
    found = null;
    draw();
    const query = find.value.trim();
    if (!/[\p{L}\p{N}]/u.test(query)) return;
    timer = setTimeout(() => search(query), PAUSE_MS);
  }

  /** @param {string} query */
  async function search(query) {
    const mine = new AbortController();
    searching = mine;
    try {
      const { results } = await searchConversations(query, mine.signal);
      if (mine.signal.aborted) return;
      found = results;
      draw();
      say(results.length === 0 ? "No conversation has these words." : `${counted(results.length, "conversation")} found`);
    } catch (cause) {
      if (!mine.signal.aborted) deeds.failed(/** @type {any} */ (cause));
    }
  }

  async function load() {
    try {
      all = await conversations();
      if (isHidden) forget();
      draw();
    } catch (cause) {
      deeds.failed(/** @type {any} */ (cause));
      if (all.length === 0 && !isHidden) place.replaceChildren(el("p", { class: "listing-note" }, "Your conversations could not be loaded."));
    }
  }

  /** @param {string|null} id the conversation that is open */
  function show(id) {
    current = id;
    draw();
  }

  /**
   * A conversation that begins stands in the list at once; the next load brings it as the server has it.
   * @param {string} id @param {string} title
   */
  function begin(id, title) {
    all.unshift({ conversation_id: id, title, changed_at: new Date().toISOString() });
    show(id);
  }

  /** Draws the list; what had the focus in it has it again. */
  function draw() {
    const held = document.activeElement;
    const address = place.contains(held) ? held?.closest("li")?.querySelector("a")?.getAttribute("href") : null;
    drawRows();
    if (address) place.querySelector(`a[href="${CSS.escape(address)}"]`)?.focus();
  }

  function drawRows() {
    if (isHidden) {
      place.replaceChildren(el("p", { class: "listing-note" }, "Locked. Your conversations are here again when you unlock them."));
      return;
    }
    if (found) {
      const rows = found.map(foundRow);
      const none = el("p", { class: "listing-note" }, "No conversation has these words in its title, its questions or its answers.");
      place.replaceChildren(...(rows.length > 0 ? [el("ul", { role: "list", "aria-label": "Found" }, rows)] : [none]));
      return;
    }
    const wanted = find.value.trim().toLocaleLowerCase();
    const fits = all.filter((one) => (one.title ?? "").toLocaleLowerCase().includes(wanted));
    if (fits.length === 0) {
      const words = wanted ? "Looking through your conversations" : "What you ask is kept here, for you alone.";
      place.replaceChildren(el("p", { class: "listing-note" }, words));
      return;
    }
    const now = new Date();
    const days = new Map();
    for (const one of fits) {
      const day = heading(one.changed_at, now);
      days.set(day, [...(days.get(day) ?? []), one]);
    }
    place.replaceChildren(
      ...[...days].flatMap(([day, listed]) => [el("h2", { class: "listing-day" }, day), el("ul", { role: "list" }, listed.map(row))]),
    );
  }

  /** A conversation that was found, with where the words stand in it. @param {any} one */
  function foundRow(one) {
    const first = one.messages[0];
    const words = first?.sentence ?? (first && first.question !== one.title ? first.question : null);
    const item = row(one);
    if (words) item.querySelector("a")?.append(el("span", { class: "listed-words" }, words));
    return item;
  }

  /** @param {Listed} one */
  function row(one) {
    const seconds = leaving.get(one.conversation_id);
    if (seconds !== undefined) {
      const back = el("button", { class: "quiet", type: "button", "data-undo": one.conversation_id, on: { click: () => takeBack(one) } }, "Undo", el("span", { class: "unseen" }, " the deletion"));
      return el("li", { class: "listed" }, el("span", { class: "listed-gone" }, `Deleted (${seconds} s)`), back);
    }
    const title = one.title ?? "Unreadable conversation";
    const link = el("a", { class: "listed-link", href: `/conversations/${encodeURIComponent(one.conversation_id)}`, title, "aria-current": one.conversation_id === current && "page" }, title);
    on(link, "click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
      event.preventDefault();
      deeds.open(one.conversation_id);
    });
    const deedsMenu = menu({ label: `More for ${title}`, face: [icon("dots")] }, [
      { icon: "pencil", words: "Rename", act: () => renameDialog(one) },
      ...(deeds.mayExport()
        ? [
            { icon: "save", words: "Export as Markdown", href: exportPath(one.conversation_id, "md"), download: true },
            { icon: "save", words: "Export as JSON", href: exportPath(one.conversation_id, "json"), download: true },
          ]
        : []),
      null,
      { icon: "trash", words: "Delete", alarm: true, act: () => take(one) },
    ]);
    return el("li", { class: "listed" }, link, deedsMenu);
  }

  /** @param {Listed} one */
  function renameDialog(one) {
    askText({
      title: "Rename this conversation",
      label: "Title",
      value: one.title ?? "",
      deed: "Rename",
      act: async (title) => {
        try {
          await rename(one.conversation_id, title);
          one.title = title;
          draw();
          deeds.renamed(one.conversation_id, title);
          say("Renamed");
        } catch (cause) {
          deeds.failed(/** @type {any} */ (cause));
        }
      },
    });
  }

  /** @param {Listed} one */
  async function take(one) {
    try {
      await remove(one.conversation_id);
    } catch (cause) {
      deeds.failed(/** @type {any} */ (cause));
      return;
    }
    leaving.set(one.conversation_id, UNDO_S);
    if (one.conversation_id === current) deeds.gone(one.conversation_id);
    draw();
    place.querySelector(`[data-undo="${CSS.escape(one.conversation_id)}"]`)?.focus();
    say(`Deleted. It can be taken back for ${UNDO_S} seconds.`);
    const timer = setInterval(() => {
      const seconds = leaving.get(one.conversation_id);
      if (seconds === undefined) return clearInterval(timer);
      const button = place.querySelector(`[data-undo="${CSS.escape(one.conversation_id)}"]`);
      if (seconds > 1) {
        leaving.set(one.conversation_id, seconds - 1);
        const words = button?.previousElementSibling;
        if (words) words.textContent = `Deleted (${seconds - 1} s)`;
        return;
      }
      clearInterval(timer);
      leaving.delete(one.conversation_id);
      all = all.filter((other) => other.conversation_id !== one.conversation_id);
      found = found?.filter((other) => other.conversation_id !== one.conversation_id) ?? null;
      const had = button === document.activeElement;
      draw();
      if (had) find.focus();
    }, 1000);
  }

  /** @param {Listed} one */
  async function takeBack(one) {
    try {
      await undo(one.conversation_id);
      leaving.delete(one.conversation_id);
      draw();
      place.querySelector(`a[href$="${CSS.escape(encodeURIComponent(one.conversation_id))}"]`)?.focus();
      say("The conversation is back.");
    } catch (cause) {
      deeds.failed(/** @type {any} */ (cause));
    }
  }

  function removeEverything() {
    askText({
      title: "Delete all conversations",
      words: "All your conversations are deleted and their keys destroyed. Nobody can bring them back.",
      label: "Type delete to go on",
      deed: "Delete all",
      alarm: true,
      fits: (text) => text.trim().toLocaleLowerCase() === "delete",
      act: async () => {
        try {
          await removeAll();
          all = [];
          found = null;
          find.value = "";
          leaving.clear();
          deeds.gone(null);
          draw();
          say("All conversations are deleted.");
        } catch (cause) {
          deeds.failed(/** @type {any} */ (cause));
        }
      },
    });
  }
}
