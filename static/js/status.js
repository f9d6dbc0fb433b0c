// @ts-check
/** The one line that tells a screen reader what is happening, and the visible line that says the same. */
import { $, counted, el } from "./dom.js";

/** Phases as the server names them, in words. */
const PHASES = /** @type {{[phase: string]: string}} */ ({
  searching: "Searching your spaces",
  reading: "Reading passages",
  writing: "Writing",
  checking: "Checking sentences",
});

/** From here on the seconds are shown. */
const PATIENCE_S = 3;

/** Says something in the status line. @param {string} words */
export function say(words) {
  $("#status").textContent = words;
}

/** Why the language model had no part in an answer, as the server names it, in words. */
const BECAUSE = /** @type {{[because: string]: string}} */ ({
  busy: "the language model was busy.",
  missing: "there is no language model here.",
  failed: "the language model could not finish.",
});

/** What marks an answer that is made without the language model. @param {string} because */
export function quotedBecause(because) {
  return `Quoted from pages: ${BECAUSE[because] ?? "the language model was not available."}`;
}

/** Words for the end of an answer. @param {import("./api.js").Answer} answer */
export function ending(answer) {
  const said = outcome(answer);
  return answer.because ? `${said}. ${quotedBecause(answer.because)}`.replace("..", ".") : said;
}

/** @param {import("./api.js").Answer} answer */
function outcome(answer) {
  const shown = answer.claims.length;
  if (answer.outcome === "refused") return answer.refusal ?? "I did not find this in pages you can open.";
  const sentences = counted(shown, "sentence");
  if (answer.outcome === "stopped") return `Stopped, ${sentences} shown`;
  return `Answer ready, ${sentences}, ${counted(answer.sources.length, "source")}`;
}

/**
 * The visible line of a running answer. It is hidden from screen readers, which hear the status line instead, and
 * without the seconds.
 */
export function phaseLine() {
  const words = el("span", {}, PHASES.searching);
  const seconds = el("span", {});
  const node = el("p", { class: "phase", "aria-hidden": "true" }, words, seconds);
  const began = performance.now();
  const timer = setInterval(() => {
    const elapsed = Math.floor((performance.now() - began) / 1000);
    if (elapsed >= PATIENCE_S) seconds.textContent = `${elapsed} s`;
  }, 1000);
  say(PHASES.searching);
  return {
    node,
    /** @param {string} phase */
    show(phase) {
      const next = PHASES[phase];
      if (!next || next === words.textContent) return;
      words.textContent = next;
      say(next);
    },
    end() {
      clearInterval(timer);
      node.remove();
    },
  };
}
