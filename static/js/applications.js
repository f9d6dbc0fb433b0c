// @ts-check
/** All applications: making another, and deleting one with a receipt. */
import { applications, makeApplication } from "./api.js";
import { $, el, on } from "./dom.js";
import { deletion, trouble } from "./receipts.js";

look();
on($("#make"), "submit", async (event) => {
  event.preventDefault();
  try {
    const made = await makeApplication($("#make-title").value);
    location.assign(`/admin/applications/${encodeURIComponent(made.id)}`);
  } catch (cause) {
    trouble(cause);
  }
});

async function look() {
  try {
    const found = await applications();
    $("#trouble").replaceChildren();
    $("#rows").replaceChildren(...found.applications.map(row));
  } catch (cause) {
    trouble(cause);
  }
}

/** @param {any} one */
function row(one) {
  const erase = el("button", { class: "button", type: "button", on: { click: () => deletion(one, look) } }, "Delete", el("span", { class: "unseen" }, ` ${one.title}`));
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, el("a", { href: `/admin/applications/${encodeURIComponent(one.id)}` }, one.title), el("div", { class: "soft" }, one.id)),
    el("td", {}, one.sources ? one.sources.join(", ") : "All"),
    el("td", { class: "is-number" }, one.members.toLocaleString(), el("div", { class: "soft" }, one.everybody ? "everybody" : one.members === 0 ? "nobody yet" : "")),
    el("td", {}, one.deletable ? erase : null),
  );
}
