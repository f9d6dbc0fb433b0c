// @ts-check
/** The question box: grows with its text, Enter sends, and its one button sends or stops. */
import { el, icon, on } from "./dom.js";
import { menu } from "./menu.js";

/** As the server has it: bytes of UTF-8. */
const BYTES_MAX = 4096;
/** From here on the room that is left is shown. */
const BYTES_NEAR = 3600;
const ROWS_MAX = 8;

const BYTES = new TextEncoder();

/**
 * @param {{send: (question: string) => void, stop: () => void}} deeds
 */
export function askForm(deeds) {
  /** @type {Set<string>} */
  const chosen = new Set();
  let running = false;
  let draftKey = "";

  const text = el("textarea", { class: "ask-text", id: "question", rows: "1", autocomplete: "off", "aria-describedby": "ask-count", enterkeyhint: "send" });
  const count = el("span", { class: "ask-count", id: "ask-count", hidden: true });
  const button = el("button", { class: "send", type: "submit" });
  const scope = el("div", {});
  const node = el(
    "form",
    { class: "ask" },
    el("label", { class: "ask-label", for: "question" }, "Ask a question"),
    text,
    el("div", { class: "ask-foot" }, scope, count, button),
  );

  on(text, "input", () => {
    keepDraft();
    draw();
  });
  on(text, "keydown", (event) => {
    // An Enter that ends a composition (Japanese, Chinese, Korean) belongs to the input method.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    if (!running) send();
  });
  on(node, "submit", (event) => {
    event.preventDefault();
    if (running) deeds.stop();
    else send();
  });
  on(node, "click", (event) => {
    if (event.target === node) text.focus();
  });
  draw();

  return {
    node,
    focus: () => text.focus(),
    /** Puts words into the box, ready to be changed and sent. @param {string} words */
    insert(words) {
      text.value = words;
      keepDraft();
      draw();
      text.focus();
      text.setSelectionRange(words.length, words.length);
    },
    /** Goes to the draft of a conversation. @param {string} key */
    draft(key) {
      draftKey = `sotto.draft.${key}`;
      text.value = storage(() => sessionStorage.getItem(draftKey)) ?? "";
      draw();
    },
    /** @param {boolean} now */
    run(now) {
      running = now;
      draw();
    },
    /** Keys of the spaces that are narrowed to; none for all. */
    spaces: () => [...chosen],
    /** Offers the spaces to narrow to. @param {import("./api.js").Space[]} spaces */
    offer(spaces) {
      for (const key of chosen) if (!spaces.some((space) => space.key === key)) chosen.delete(key);
      scope.replaceChildren(spaces.length > 1 ? scopeMenu(spaces) : "");
    },
  };

  function bytes() {
    return BYTES.encode(text.value.trim()).length;
  }

  function send() {
    const question = text.value.trim();
    if (question === "" || bytes() > BYTES_MAX) return;
    text.value = "";
    keepDraft();
    draw();
    deeds.send(question);
  }

  function draw() {
    const size = bytes();
    count.hidden = size < BYTES_NEAR;
    count.classList.toggle("is-over", size > BYTES_MAX);
    count.textContent = size > BYTES_MAX ? `Too long by ${size - BYTES_MAX} bytes` : `${BYTES_MAX - size} bytes left`;
    const idle = !running && (size === 0 || size > BYTES_MAX);
    button.setAttribute("aria-label", running ? "Stop" : "Send");
    button.setAttribute("title", running ? "Stop (Esc)" : "Send (Enter)");
    button.setAttribute("aria-disabled", String(idle));
    button.replaceChildren(icon(running ? "stop" : "send"));
    grow();
  }

  function grow() {
    text.rows = 1;
    while (text.rows < ROWS_MAX && text.scrollHeight > text.clientHeight + 1) text.rows += 1;
  }

  function keepDraft() {
    if (!draftKey) return;
    // Only for this tab: a draft is private, and must not stay behind on a shared machine.
    storage(() => (text.value ? sessionStorage.setItem(draftKey, text.value) : sessionStorage.removeItem(draftKey)));
  }

  /** @param {import("./api.js").Space[]} spaces */
  function scopeMenu(spaces) {
    const words = el("span", {});
    const name = () => {
      const names = spaces.filter((space) => chosen.has(space.key)).map((space) => space.name);
      words.textContent = names.length === 0 ? "All spaces" : names.length === 1 ? names[0] : `${names.length} spaces`;
    };
    const rows = spaces.map((space) => {
      const box = el("input", { type: "checkbox", value: space.key });
      box.addEventListener("change", () => {
        if (box.checked) chosen.add(space.key);
        else chosen.delete(space.key);
        name();
      });
      return el("label", { class: "choice" }, box, space.name);
    });
    name();
    const list = el("fieldset", {}, el("legend", { class: "unseen" }, "Search only in"), rows);
    return menu({ face: [icon("scope"), el("span", { class: "unseen" }, "Search in: "), words], up: true, start: true }, [list]);
  }
}

/** @template T @param {() => T} act @returns {T|null} */
function storage(act) {
  try {
    return act();
  } catch {
    return null;
  }
}
