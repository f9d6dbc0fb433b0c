// @ts-check
/** Changing and removing a source that was made on the desk: the form, a look before it is kept, and the keeping. */
import { changeSource, checkSource, previewSource, removeSource } from "./api.js";
import { askText } from "./dialogs.js";
import { $, el } from "./dom.js";
import { signInAgain } from "./me.js";
import { sourceForm } from "./source-form.js";
import { say } from "./status.js";
import { drawCheck, drawPreview } from "./tested.js";

/**
 * The buttons that look into a form before it is kept, and the place of what they found.
 * @param {() => string} name @param {() => any} sent
 */
export function looks(name, sent) {
  const found = el("div", { class: "form-found", id: "form-found" });
  const deed = (/** @type {string} */ words, /** @type {string} */ phase, /** @type {() => Promise<any>} */ act, /** @type {(found: any) => any[]} */ draw) => {
    const button = el("button", { class: "button", type: "button" }, words);
    button.addEventListener("click", async () => {
      button.disabled = true;
      found.replaceChildren(el("p", { class: "phase" }, `${phase}.`));
      say(phase);
      try {
        found.replaceChildren(...draw(await act()));
        say(found.querySelector(".verdict")?.textContent ?? "It is done.");
      } catch (cause) {
        tell(found, cause);
      } finally {
        button.disabled = false;
      }
    });
    return button;
  };
  const buttons = [
    deed("Test the connection", "Testing each right of the crawler's account", () => checkSource(name(), sent()), drawCheck),
    deed("Count what it would give", "Listing every space", () => previewSource(name(), sent()), drawPreview),
  ];
  return { buttons, found };
}

/** Says what went wrong, where it is seen. @param {HTMLElement} place @param {any} problem */
export function tell(place, problem) {
  if (problem.status === 401) return signInAgain();
  place.replaceChildren(el("div", { class: "calm", role: "alert" }, el("p", {}, problem.message), problem.requestId && problem.status >= 500 ? el("p", { class: "small soft" }, `Request ${problem.requestId}`) : null));
  place.scrollIntoView({ block: "nearest" });
  say(problem.message);
}

/**
 * Opens the form in the place of the settings; `done` is called when it is closed.
 * @param {any} detail @param {() => void} done
 */
export function edit(detail, done) {
  const form = sourceForm(detail.values, detail.entered, detail.values.kind);
  const { buttons, found } = looks(() => detail.name, () => form.sent());
  const save = el("button", { class: "button is-main", type: "submit" }, "Save");
  const close = () => {
    $("#editor").replaceChildren();
    done();
  };
  const node = el(
    "form",
    { class: "source-form", autocomplete: "off", "aria-label": `Settings of ${detail.name}` },
    form.node,
    found,
    el("div", { class: "row is-end" }, buttons, el("button", { class: "button", type: "button", on: { click: close } }, "Discard"), save),
  );
  node.addEventListener("submit", async (/** @type {Event} */ event) => {
    event.preventDefault();
    save.disabled = true;
    try {
      await changeSource(detail.name, form.sent());
      say("The settings are in force.");
      close();
    } catch (cause) {
      tell(found, cause);
    } finally {
      save.disabled = false;
    }
  });
  $("#editor").replaceChildren(node);
  node.querySelector("input")?.focus();
}

/** Asks for the name, and removes the source. @param {string} name @param {HTMLElement} place where a failure is told */
export function remove(name, place) {
  askText({
    title: `Remove ${name}`,
    words: "It answers nothing from now on, its documents go from the index, and what is known of its permissions ends. Nothing changes in the wiki itself.",
    label: `Write ${name} to remove it`,
    deed: "Remove",
    alarm: true,
    fits: (text) => text.trim() === name,
    act: async () => {
      try {
        await removeSource(name);
        location.assign("/admin#sources");
      } catch (cause) {
        tell(place, cause);
      }
    },
  });
}
