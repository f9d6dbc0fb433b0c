// @ts-check
/** Deleting an application, receipts of what was done, and what went wrong, on the pages of applications and seats. */
import { deleteApplication } from "./api.js";
import { askText, tell } from "./dialogs.js";
import { $, counted, el } from "./dom.js";
import { signInAgain } from "./me.js";
import { say } from "./status.js";
import { exactly } from "./when.js";

/** Says what went wrong, in its place on the page. @param {any} cause */
export function trouble(cause) {
  if (cause.status === 401) return signInAgain();
  $("#trouble").replaceChildren(el("div", { class: "calm" }, el("p", {}, cause.message), cause.requestId ? el("p", { class: "small soft" }, `Request ${cause.requestId}`) : null));
  $("#trouble").scrollIntoView({ block: "nearest" });
}

/** What proves a deed. @param {{leaf_hash: string, at: string}} one */
export function receipt(one) {
  return el("p", { class: "small" }, `On record since ${exactly(one.at)}. Leaf of the audit log: `, el("code", { class: "hash" }, one.leaf_hash));
}

/**
 * Asks whether an application is really to be deleted, deletes it, and shows the receipt.
 * @param {{id: string, title: string}} one @param {() => void} after
 */
export function deletion(one, after) {
  askText({
    title: `Delete ${one.title}`,
    words: "Its settings and assignments go, and the keys of all conversations in it are destroyed. Whoever has no other application is signed out. Nobody can bring it back.",
    label: `Type ${one.id} to go on`,
    deed: "Delete it",
    alarm: true,
    fits: (text) => text.trim() === one.id,
    act: async () => {
      try {
        const gone = await deleteApplication(one.id);
        say(`${gone.title} is deleted.`);
        const words = `Gone with it: ${counted(gone.assignments, "assignment")}, and the keys of ${counted(gone.conversations, "conversation")}.`;
        tell(`${gone.title} is deleted`, el("p", {}, words), receipt(gone.receipt)).addEventListener("close", after);
      } catch (cause) {
        trouble(cause);
      }
    },
  });
}
