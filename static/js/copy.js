// @ts-check
/** Puts an answer or a quote on the clipboard, with where it comes from. */
import { day } from "./when.js";
import { quoted } from "./quotes.js";
import { quotedBecause, say } from "./status.js";

/** @param {string} text @param {string} done what the status line says */
export async function copy(text, done) {
  try {
    await navigator.clipboard.writeText(text);
    say(done);
    return true;
  } catch {
    say("The browser did not allow copying.");
    return false;
  }
}

/** The answer as text with footnotes. @param {string} question @param {import("./api.js").Answer} answer */
export function footnoted(question, answer) {
  const sentences = answer.claims.map((claim) => claim.text + claim.citations.map((number) => `[${number}]`).join(""));
  const notes = answer.sources.map(
    (source) => `[${source.number}] ${source.title} (${source.space.name}, ${day(source.updated_at)}) ${source.url}`,
  );
  const body = sentences.length > 0 ? sentences.join(" ") : (answer.refusal ?? "");
  const made = answer.because ? [quotedBecause(answer.because), ""] : [];
  return [question, "", ...made, body, ...(notes.length > 0 ? ["", ...notes] : [])].join("\n");
}

/** The quoted words with their page. @param {import("./api.js").Source} source */
export function quotation(source) {
  const quotes = source.passages.flatMap(quoted).map((words) => `“${words}”`);
  return `${quotes.join("\n")}\n${source.title}, ${source.space.name}\n${source.url}`;
}
