// @ts-check
/** What is said on every page of the desk to who came in without the identity provider. */
import { $, el } from "./dom.js";
import { leave } from "./me.js";
import { roughly } from "./when.js";

/** @param {{display_name: string, roles: string[], emergency_ends_at: string|null}} asker */
export function sayEmergency(asker) {
  if (!asker.emergency_ends_at) return;
  // There is no page for asking behind it, so the way back is the way out.
  const back = document.querySelector('.admin-head > a[href="/"].quiet');
  back?.replaceWith(el("button", { class: "quiet", type: "button", on: { click: leave } }, "Sign out"));
  document.querySelector('.admin-head > a.brand')?.setAttribute("href", "/admin");
  $("main").prepend(
    el("div", { class: "calm is-first", role: "note" }, el("p", {}, el("strong", {}, "Emergency access. "), `You are signed in as ${asker.display_name}, without your identity provider, until ${roughly(asker.emergency_ends_at)}. What you do is on record; pages and conversations are not yours to see.`)),
  );
}
