// @ts-check
/** The settings of a source as they are, and what becomes of each field of its pages. */
import { el } from "./dom.js";

const PARTS = /** @type {{[part: string]: string}} */ ({ connection: "Where it is, and as whom it is read", scope: "What is taken in", schedule: "When it is read", care: "Safety" });

const ORIGINS = /** @type {{[origin: string]: string}} */ ({ file: "file", environment: "environment", desk: "desk", default: "default", always: "always" });

/** @param {any[]} parts */
export function drawParts(parts) {
  return parts.map(({ part, settings }) =>
    el("div", { class: "setting-part" }, el("h3", {}, PARTS[part] ?? part), el("dl", { class: "facts" }, settings.map(drawSetting))),
  );
}

/** @param {any} setting */
function drawSetting({ label, text, keys, origin }) {
  return el("div", { class: "fact" }, el("dt", {}, label), el("dd", {}, text), el("dd", { class: "soft" }, el("code", {}, keys.join(", ")), ` · ${ORIGINS[origin] ?? origin}`));
}

/** @param {any[]} fields */
export function drawFields(fields) {
  return fields.map((field) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, field.field),
      el("td", { class: field.name === field.field ? "soft" : "" }, field.name),
      el("td", {}, field.from),
      el("td", {}, el("span", { class: `state ${field.is_kept ? "is-good" : "is-note"}` }, field.is_kept ? "Kept" : "Not kept"), field.why && el("div", { class: "soft" }, `Always: ${field.why}`)),
      el("td", {}, field.filters.length > 0 ? field.filters.map((/** @type {string} */ one, /** @type {number} */ place) => [place > 0 && ", ", el("code", {}, one)]).flat() : el("span", { class: "soft" }, "nothing")),
      el("td", {}, field.key && [el("code", {}, field.key), " · "], ORIGINS[field.origin] ?? field.origin),
    ),
  );
}
