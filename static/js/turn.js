// @ts-check
/** One question and its answer, in each state: running, answered, refused, stopped, failed, unreadable. */
import { claim } from "./claims.js";
import { copy, footnoted } from "./copy.js";
import { counted, el, icon, iconButton } from "./dom.js";
import { feedback } from "./feedback.js";
import { read } from "./reader.js";
import { releaseButton } from "./release.js";
import { openSources } from "./sources.js";
import { ending, phaseLine, quotedBecause, say } from "./status.js";

/**
 * @typedef {import("./api.js").Answer} Answer
 * @typedef {import("./api.js").Source} Source
 * @typedef {{insert: (question: string) => void, again: (question: string) => void, isKept: boolean}} Deeds
 */

/**
 * Draws the question; the answer is filled in by what it returns.
 * @param {string} question @param {Deeds} deeds what is not kept cannot be rated
 */
export function turn(question, deeds) {
  /** @type {Source[]} */
  const sources = [];
  const list = el("ol", { class: "claims", role: "list" });
  const body = el("div", {});
  const answer = el("article", { class: "answer" }, el("h2", { class: "unseen answer-head", tabindex: "-1" }, "Answer"), body);
  const asked = el("article", {}, el("h2", { class: "unseen" }, "You asked"), el("p", { class: "question", dir: "auto" }, question));
  const node = el("div", { class: "turn" }, asked, answer);
  /** @type {ReturnType<typeof phaseLine>|null} */
  let phase = null;

  const source = (/** @type {number} */ number) => sources.find((one) => one.number === number);
  const open = (/** @type {number} */ number, /** @type {HTMLElement} */ from, /** @type {string} */ words = "") => openSources(sources, number, from, words);

  return { node, begin, tell, end, fail, breakOff };

  /** The answer is on its way. */
  function begin() {
    phase = phaseLine();
    answer.setAttribute("aria-busy", "true");
    body.replaceChildren(list, phase.node);
  }

  /** Takes one event of the stream. @param {{name: string, body: any}} event */
  function tell(event) {
    if (event.name === "progress") phase?.show(event.body.phase);
    if (event.name === "mode" && event.body.because) list.before(quotedNote(event.body.because));
    if (event.name === "source") keep(event.body);
    if (event.name === "claim") {
      const shown = claim(event.body, source, open);
      shown.classList.add("is-new");
      list.append(shown);
      layOut();
    }
  }

  /** Sentences run on as a text; lines of a table or a list, which end without a stop, stand one below the other. */
  function layOut() {
    const lines = [...list.children].filter((one) => !/[.!?…:]["'”’)]*\d*$/u.test(one.textContent?.trim() ?? ""));
    list.classList.toggle("is-list", lines.length * 2 > list.children.length && list.children.length > 1);
  }

  /** A source can come again with more passages. @param {Source} one */
  function keep(one) {
    const at = sources.findIndex((known) => known.number === one.number);
    if (at < 0) sources.push(one);
    else sources[at] = one;
  }

  /** The answer is complete, or was recalled. @param {Answer} whole @param {import("./api.js").Feedback|null} [kept] */
  function end(whole, kept) {
    const live = phase !== null;
    settle();
    sources.splice(0, sources.length, ...whole.sources);
    // The last event is the truth: what was shown on the way is drawn anew only where it differs.
    if (list.children.length !== whole.claims.length || !live) {
      list.replaceChildren(...whole.claims.map((one) => claim(one, source, open)));
    }
    layOut();
    body.replaceChildren(...parts(whole, kept ?? null));
    if (live) say(ending(whole));
  }

  /** @param {Answer} whole @param {import("./api.js").Feedback|null} kept */
  function parts(whole, kept) {
    const opinion = feedback(whole.message_id, kept);
    const lost = whole.claims.filter((one) => one.withheld || one.citations.length === 0).length;
    const bar = el(
      "div",
      { class: "toolbar" },
      iconButton("copy", "Copy the answer with its sources", () => copy(footnoted(question, whole), "Answer copied")),
      deeds.isKept ? opinion.buttons : null,
      deeds.isKept ? releaseButton(whole.message_id) : null,
    );
    return [
      whole.because ? quotedNote(whole.because) : "",
      whole.outcome === "refused" ? refusal(whole) : list,
      whole.outcome === "stopped" ? outcome("Stopped before it was complete", stopped(whole.claims.length)) : "",
      lost > 0 ? el("p", { class: "aside" }, "Part of this answer is no longer shown, because it rests on pages that you cannot open now.") : "",
      whole.withheld > 0 ? el("p", { class: "aside" }, withheld(whole.withheld)) : "",
      whole.sources.length > 0 ? cited(whole.sources) : "",
      whole.related.length > 0 ? related(whole.related) : "",
      bar,
      opinion.place,
      whole.follow_ups.length > 0 ? followUps(whole.follow_ups) : "",
    ].filter((part) => part !== "");
  }

  /** @param {Source[]} all */
  function cited(all) {
    const rows = all.map((one) => {
      const row = el(
        "button",
        { class: "cited-row", type: "button" },
        el("span", { class: "cited-number" }, el("span", { class: "unseen" }, "Source "), String(one.number)),
        el("span", { class: "cited-title" }, one.title),
        el("span", { class: "cited-space" }, one.space.name),
      );
      row.addEventListener("click", () => open(one.number, row));
      return el("li", {}, row);
    });
    return el("div", {}, el("h3", { class: "part-head" }, "Sources"), el("ol", { class: "cited", role: "list" }, rows));
  }

  /** @param {string[]} questions */
  function followUps(questions) {
    const rows = questions.map((one) => el("li", {}, el("button", { class: "follow-up", type: "button", on: { click: () => deeds.insert(one) } }, icon("follow"), one)));
    return el("div", { class: "follow-ups" }, el("h3", { class: "part-head" }, "You could ask next"), el("ul", { class: "cited", role: "list" }, rows));
  }

  /** The stream was stopped from here before its last event came. */
  function breakOff() {
    settle();
    const shown = list.children.length;
    body.replaceChildren(...(shown > 0 ? [list] : []), outcome("Stopped by you", stopped(shown)));
    if (sources.length > 0) body.append(cited(sources));
    say(`Stopped, ${counted(shown, "sentence")} shown`);
  }

  /** @param {import("./api.js").Problem} problem */
  function fail(problem) {
    settle();
    const again = () => {
      node.remove();
      deeds.again(question);
    };
    const retry = el("button", { class: "button", type: "button", on: { click: again } }, "Try again");
    const id = problem.requestId ? el("span", {}, `Request ${problem.requestId}`) : null;
    body.replaceChildren(
      ...(list.children.length > 0 ? [list] : []),
      el("div", { class: "outcome is-alarm" }, el("span", { class: "outcome-lead" }, "This was not answered"), el("span", {}, problem.message), id, retry),
    );
    say(`This was not answered. ${problem.message}`);
  }

  function settle() {
    phase?.end();
    phase = null;
    answer.removeAttribute("aria-busy");
  }
}

/** A turn whose record does not open. */
export function unreadable() {
  return el(
    "article",
    { class: "turn" },
    el("div", { class: "outcome is-alarm" }, el("span", { class: "outcome-lead" }, "This entry cannot be read"), el("span", {}, "Its record is damaged. The rest of the conversation is not touched.")),
  );
}

/** Marks an answer that no language model had a part in. @param {string} because */
function quotedNote(because) {
  return el("p", { class: "made" }, icon("quote"), el("span", {}, quotedBecause(because)));
}

/** @param {Answer} whole */
function refusal(whole) {
  return el("p", { class: "refusal" }, whole.refusal ?? "I did not find this in pages you can open.");
}

/** @param {string} lead @param {string} words */
function outcome(lead, words) {
  return el("div", { class: "outcome" }, el("span", { class: "outcome-lead" }, lead), el("span", {}, words));
}

/** @param {number} shown */
function stopped(shown) {
  return shown > 0 ? "What had been checked is kept." : "Nothing had been written yet.";
}

/** @param {number} count */
function withheld(count) {
  return count === 1
    ? "One sentence was left out, because no passage supports it."
    : `${count} sentences were left out, because no passage supports them.`;
}

/** @param {import("./api.js").Related[]} pages */
function related(pages) {
  const rows = pages.map((page) =>
    el(
      "li",
      {},
      el(
        "button",
        { class: "cited-row", type: "button", on: { click: () => read(page, []) } },
        icon("read"),
        el("span", { class: "cited-title" }, page.title),
        el("span", { class: "cited-space" }, page.space.name),
      ),
    ),
  );
  return el("div", {}, el("h3", { class: "part-head" }, "Related, not an answer"), el("ul", { class: "related", role: "list" }, rows));
}
