// @ts-check
/** The page as it was indexed, opened over the answer with the quoted words marked. */
import { openDocument } from "./api.js";
import { drawBlocks } from "./blocks.js";
import { open } from "./dialogs.js";
import { el, icon, iconButton, outward } from "./dom.js";
import { say } from "./status.js";
import { day, exactly } from "./when.js";

const TIMES = new Set(["created", "updated"]);

/** A field under the name that its source's settings give it. @param {{field: string, name: string, values: string[]}} field */
function drawField({ field, name, values }) {
  return el("div", { class: "fact" }, el("dt", {}, name), el("dd", {}, values.map((value) => (TIMES.has(field) ? exactly(value) : value)).join(", ")));
}

/**
 * @param {{document_id: string, title: string, space: import("./api.js").Space, url: string}} source
 * @param {string[]} quotes words to mark
 */
export async function read(source, quotes) {
  const body = el("div", { class: "reader-body", tabindex: "0", role: "region", "aria-labelledby": "reader-title" }, el("p", { class: "soft" }, "Opening the page"));
  const path = el("p", { class: "reader-path" }, source.space.name);
  const original = outward(source.url);
  const node = el(
    "dialog",
    { class: "reader", "aria-label": source.title },
    el(
      "div",
      { class: "reader-bar" },
      path,
      original && el("a", { class: "quiet", href: original, target: "_blank", rel: "noopener noreferrer" }, icon("out"), "Open original", el("span", { class: "unseen" }, " (new tab)")),
      iconButton("close", "Close the page", () => node.close()),
    ),
    body,
  );
  open(node);
  try {
    const page = await openDocument(source.document_id);
    path.textContent = [page.space.name, ...page.ancestors.map((/** @type {{title: string}} */ above) => above.title)].join(" › ");
    body.replaceChildren(
      el("h2", { class: "reader-title", id: "reader-title" }, page.title),
      el("p", { class: "source-meta" }, [page.author, `updated ${day(page.updated_at)}`].filter(Boolean).join(" · ")),
      page.labels.length > 0 ? el("ul", { class: "labels", "aria-label": "Labels" }, page.labels.map((/** @type {string} */ label) => el("li", {}, label))) : "",
      el("div", { class: "prose" }, drawBlocks(page.blocks, quotes)),
      el("details", { class: "page-fields" }, el("summary", {}, "About this page"), el("dl", { class: "facts" }, page.fields.map(drawField))),
    );
    const first = body.querySelector("mark");
    if (first) {
      first.focus({ preventScroll: true });
      first.scrollIntoView({ block: "center" });
    } else {
      body.focus();
    }
    say(`${page.title} is open`);
  } catch (cause) {
    const problem = /** @type {import("./api.js").Problem} */ (cause);
    const words = problem.status === 404 ? "This page is not there, or you may not open it now." : problem.message;
    body.replaceChildren(el("h2", { id: "reader-title" }, source.title), el("p", { class: "soft" }, words));
    body.focus();
  }
}
