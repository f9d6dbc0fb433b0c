// @ts-check
/** The list of conversations: search, rename, export, delete and take back. */
import { conversations, exportPath, remove, removeAll, rename, undo } from "./api.js";
import { $, el, icon, on } from "./dom.js";
import { askText } from "./dialogs.js";
import { menu } from "./menu.js";
import { say } from "./status.js";
import { heading } from "./when.js";

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

  on(find, "input", draw);
  on(find, "keydown", (event) => {
    if (event.key !== "Escape" || find.value === "") return;
    event.stopPropagation();
    find.value = "";
    draw();
  });

  return { load, show, begin, removeEverything };

  async function load() {
    try {
      all = await conversations();
      draw();
    } catch (cause) {
      deeds.failed(/** @type {any} */ (cause));
      if (all.length === 0) place.replaceChildren(el("p", { class: "listing-note" }, "Your conversations could not be loaded."));
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
    const wanted = find.value.trim().toLocaleLowerCase();
    const fits = all.filter((one) => (one.title ?? "").toLocaleLowerCase().includes(wanted));
    if (fits.length === 0) {
      const words = wanted ? "No conversation has these words in its title." : "What you ask is kept here, for you alone.";
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
