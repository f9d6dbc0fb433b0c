// @ts-check
/** Makes elements and finds them. Words from the server only ever become text nodes or plain attributes. */

const SVG = "http://www.w3.org/2000/svg";
const ICONS = new URL("../icons.svg", import.meta.url).pathname;

/**
 * @typedef {Node|string|null|undefined|false} Child
 * @typedef {{[name: string]: any, on?: {[event: string]: (event: any) => void}}} Props
 */

/**
 * Makes an element. `on` holds listeners; `true` sets an empty attribute; `false`, `null` and `undefined` set none.
 * @param {string} tag
 * @param {Props} [props]
 * @param {...(Child|Child[])} children
 * @returns {any}
 */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "on") for (const [event, act] of Object.entries(value)) on(node, event, act);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
  for (const child of children.flat()) if (child || child === "") node.append(child);
  return node;
}

/** Listens. @param {EventTarget} target @param {string} event @param {(event: any) => void} act */
export function on(target, event, act) {
  target.addEventListener(event, act);
}

/** The one element that fits; the page's own HTML promises it. @param {string} selector @returns {any} */
export function $(selector) {
  return document.querySelector(selector);
}

/** A picture from icons.svg, for the eye only. @param {string} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `${ICONS}#${name}`);
  svg.append(use);
  return svg;
}

/**
 * A button without words: its name is `label`.
 * @param {string} name @param {string} label @param {(event: any) => void} act @param {Props} [props]
 */
export function iconButton(name, label, act, props = {}) {
  return el("button", { class: "quiet", type: "button", "aria-label": label, title: label, on: { click: act }, ...props }, icon(name));
}

/** An address that a person may be sent to, or null: nothing but http and https. @param {string|null|undefined} address */
export function outward(address) {
  try {
    const url = new URL(address ?? "");
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

/** `3 sources`, `1,200 documents`. @param {number} count @param {string} one @param {string} [many] */
export function counted(count, one, many = `${one}s`) {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}
