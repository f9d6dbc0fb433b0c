// @ts-check
/** Assigning: people and groups are looked for as somebody types, and several are chosen at once. */
import { groups, users } from "./api.js";
import { counted, el, on } from "./dom.js";

/** How long somebody must pause before what they typed is looked for. */
const PAUSE_MS = 200;
const SHOWN = "6";

/**
 * The form that assigns. `send` gets ids and a tier.
 * @param {(whom: {everybody?: boolean, groups?: string[], people?: string[], tier: string}) => Promise<void>} send
 * @param {(cause: any) => void} failed
 */
export function assigning(send, failed) {
  /** What is chosen, by kind and id. @type {Map<string, {kind: string, id: string, name: string}>} */
  const chosen = new Map();
  let asked = 0;
  /** @type {number|undefined} */
  let timer;

  const field = el("input", { class: "field", id: "assign-query", type: "search", autocomplete: "off", spellcheck: "false" });
  const found = el("fieldset", { class: "picks" }, el("legend", { class: "unseen" }, "Groups and people that fit"));
  const picked = el("p", { class: "small soft" });
  const tier = tierSelect("assign-tier", "full", "Seat");
  const button = el("button", { class: "button is-main", type: "submit", disabled: true }, "Assign");
  const everybody = el("button", { class: "button", type: "button", on: { click: () => give({ everybody: true }) } }, "Assign to everybody");
  const form = el(
    "form",
    { class: "settings-form" },
    el("div", {}, el("label", { for: "assign-query" }, "Assign to more: name of a group or a person"), field),
    found,
    picked,
    el("div", { class: "tool" }, el("div", {}, el("label", { for: "assign-tier" }, "Seat"), tier), button, everybody),
  );
  on(field, "input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(look, PAUSE_MS);
  });
  on(form, "submit", (event) => {
    event.preventDefault();
    if (chosen.size === 0) return;
    const of = (/** @type {string} */ kind) => [...chosen.values()].filter((one) => one.kind === kind).map((one) => one.id);
    give({ groups: of("group"), people: of("person") });
  });
  look();
  return form;

  /** @param {{everybody?: boolean, groups?: string[], people?: string[]}} whom */
  async function give(whom) {
    try {
      await send({ ...whom, tier: tier.value });
      chosen.clear();
      field.value = "";
      await look();
    } catch (cause) {
      failed(cause);
    }
  }

  async function look() {
    const mine = (asked += 1);
    const question = new URLSearchParams({ query: field.value.trim(), limit: SHOWN });
    try {
      const [crowds, people] = await Promise.all([groups(question), users(question)]);
      if (mine !== asked) return;
      const rows = [
        ...crowds.groups.map((/** @type {any} */ one) => pick("group", one.id, one.name, `group, ${counted(one.people, "person", "people")}`)),
        ...people.users.filter((/** @type {any} */ one) => one.active).map((/** @type {any} */ one) => pick("person", one.id, one.display_name, one.user_name)),
      ];
      found.replaceChildren(found.firstElementChild ?? "", ...(rows.length > 0 ? rows : [el("p", { class: "small soft" }, "No group and nobody fits.")]));
    } catch (cause) {
      failed(cause);
    }
    draw();
  }

  /** @param {string} kind @param {string} id @param {string} name @param {string} more */
  function pick(kind, id, name, more) {
    const key = `${kind} ${id}`;
    const box = el("input", { type: "checkbox", checked: chosen.has(key) });
    box.addEventListener("change", () => {
      if (box.checked) chosen.set(key, { kind, id, name });
      else chosen.delete(key);
      draw();
    });
    return el("label", { class: "pick" }, box, el("span", {}, name, " ", el("span", { class: "soft" }, more)));
  }

  function draw() {
    const names = [...chosen.values()].map((one) => one.name);
    picked.textContent = names.length > 0 ? `Chosen: ${names.join(", ")}` : "";
    button.disabled = names.length === 0;
    button.textContent = names.length > 1 ? `Assign to these ${names.length}` : "Assign";
  }
}

/** @param {string} id @param {string} value @param {string} name */
export function tierSelect(id, value, name) {
  const option = (/** @type {string} */ tier, /** @type {string} */ words) => el("option", { value: tier, selected: tier === value }, words);
  return el("select", { class: "field", id, "aria-label": name }, option("full", "Full"), option("reader", "Reader"));
}
