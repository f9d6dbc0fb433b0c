// @ts-check
/** What of the desk is whose: links that would lead nowhere are taken away, and an emergency is said on every page. */
import { standing } from "./api.js";
import { $, el } from "./dom.js";
import { leave } from "./me.js";
import { roughly } from "./when.js";

/** Whose each page is; what stands here at no role is left as it is. @type {{[path: string]: string[]}} */
const WHOSE = {
  "/admin": ["administrator", "support"],
  "/admin/people": ["administrator", "directory"],
  "/admin/sessions": ["administrator", "directory"],
  "/admin/access": ["administrator"],
  "/admin/applications": ["administrator"],
  "/admin/audit": ["administrator", "auditor"],
  "/admin/scim": ["administrator"],
  "/admin/seats": ["administrator"],
};

standing().then(draw, () => {});

/** @param {{display_name: string, roles: string[], emergency_ends_at: string|null}} asker */
function draw(asker) {
  for (const link of document.querySelectorAll(".admin-links a")) {
    const roles = WHOSE[new URL(/** @type {HTMLAnchorElement} */ (link).href).pathname];
    if (roles && !roles.some((role) => asker.roles.includes(role))) link.remove();
  }
  if (!asker.emergency_ends_at) return;
  // There is no page for asking behind it, so the way back is the way out.
  const back = document.querySelector('.admin-head > a[href="/"].quiet');
  back?.replaceWith(el("button", { class: "quiet", type: "button", on: { click: leave } }, "Sign out"));
  document.querySelector('.admin-head > a.brand')?.setAttribute("href", "/admin");
  $("main").prepend(
    el("div", { class: "calm is-first", role: "note" }, el("p", {}, el("strong", {}, "Emergency access. "), `You are signed in as ${asker.display_name}, without your identity provider, until ${roughly(asker.emergency_ends_at)}. What you do is on record; pages and conversations are not yours to see.`)),
  );
}
