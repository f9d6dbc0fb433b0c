// @ts-check
/** One application: what people see of it, who may use it, its sources, how it responds, and how long it keeps conversations. */
import { application, applicationMembers, assign, changeApplication } from "./api.js";
import { assigning, tierSelect } from "./assigning.js";
import { tell } from "./dialogs.js";
import { $, counted, el, on } from "./dom.js";
import { deletion, trouble } from "./receipts.js";
import { say } from "./status.js";
import { emptyTopic, lines, topicCard, topicOf } from "./topics.js";
import { day } from "./when.js";

const ID = decodeURIComponent(location.pathname.split("/").pop() ?? "");

/** The application as the server has it. @type {any} */
let whole = null;

look();
on($("#looks"), "submit", (event) => save(event, { title: $("#title").value, welcome: $("#welcome").value, questions: lines($("#questions").value) }));
on($("#sources"), "submit", (event) => save(event, { sources: [...document.querySelectorAll("#source-picks input:checked")].map((one) => /** @type {any} */ (one).value) }));
on($("#responds"), "submit", (event) =>
  save(event, {
    length: $("#length").value,
    tone: $("#tone").value,
    blocked_phrases: lines($("#phrases").value),
    topics: [...$("#topics").children].map(topicOf),
  }),
);
on($("#kept"), "submit", (event) => save(event, { days: { general: null, always: 0 }[$("#keep").value] ?? (($("#keep").value === "days" && Number($("#days").value)) || null) }));
on($("#keep"), "change", drawDays);
on($("#add-topic"), "click", () => {
  const card = topicCard(emptyTopic(), false);
  $("#topics").append(card);
  card.querySelector("input")?.focus();
});
on($("#show-members"), "click", showMembers);
on($("#delete"), "click", () => deletion(whole, () => location.assign("/admin/applications")));

async function look() {
  try {
    draw(await application(ID));
  } catch (cause) {
    const problem = /** @type {import("./api.js").Problem} */ (cause);
    if (problem.status !== 404) return trouble(problem);
    for (const part of document.querySelectorAll("main > section")) /** @type {any} */ (part).hidden = true;
    trouble({ ...problem, message: `There is no application ${ID}, or you may not administer it.` });
  }
}

/** Sends what is not locked by the settings file. @param {any} event @param {any} settings */
async function save(event, settings) {
  event.preventDefault();
  const key = (/** @type {string} */ name) => (name === "topics" ? "topic" : name);
  const free = Object.fromEntries(Object.entries(settings).filter(([name]) => !isLocked(key(name))));
  try {
    draw(await changeApplication(ID, free));
    $("#trouble").replaceChildren();
    const note = event.target.querySelector("[id$=-lock]");
    if (note) note.textContent = `Saved. ${note.dataset.lock ?? ""}`;
    say("Saved. It counts from the next question on.");
  } catch (cause) {
    trouble(cause);
  }
}

/** @param {string} key */
function origin(key) {
  return whole.origins.find((/** @type {any} */ one) => one.key === key)?.origin;
}

/** @param {string} key */
function isLocked(key) {
  return ["file", "environment"].includes(origin(key));
}

/** Says which of these the settings have, and shuts them. @param {string} form @param {{[key: string]: any[]}} fields */
function lock(form, fields) {
  const locked = Object.keys(fields).filter(isLocked);
  for (const [key, nodes] of Object.entries(fields)) for (const node of nodes) node.disabled = isLocked(key);
  const words = locked.length > 0 ? `Locked, for it stands in the settings ${origin(locked[0]) === "file" ? "file" : "of the environment"}: ${locked.join(", ").replace("_", " ")}.` : "";
  const note = $(`#${form}-lock`);
  note.textContent = words;
  note.dataset.lock = words;
  const button = $(`#${form} [type=submit]`);
  button.hidden = locked.length === Object.keys(fields).length;
}

/** @param {any} now */
function draw(now) {
  whole = now;
  $("#name").textContent = now.title;
  $("#id").textContent = now.id;
  document.title = `${now.title} · Sotto`;
  $("#title").value = now.title;
  $("#welcome").value = now.welcome;
  $("#questions").value = now.questions.join("\n");
  lock("looks", { title: [$("#title")], welcome: [$("#welcome")], questions: [$("#questions")] });
  drawSources(now);
  $("#length").value = now.length;
  $("#tone").value = now.tone;
  $("#phrases").value = now.blocked_phrases.join("\n");
  const topicsLocked = isLocked("topic");
  $("#topics").replaceChildren(...now.topics.map((/** @type {any} */ topic) => topicCard(topic, topicsLocked)));
  $("#add-topic").hidden = topicsLocked;
  lock("responds", { length: [$("#length")], tone: [$("#tone")], blocked_phrases: [$("#phrases")], topic: [] });
  $("#keep").value = now.days === null ? "general" : now.days === 0 ? "always" : "days";
  $("#days").value = now.days || 365;
  $("#keep").options[0].textContent = now.days === null ? `As the general setting says: ${now.days_kept > 0 ? counted(now.days_kept, "day") : "until deleted"}` : "As the general setting says";
  drawDays();
  lock("kept", { days: [$("#keep"), $("#days")] });
  $("#ending").hidden = !now.deletable;
  drawAssigned(now);
}

function drawDays() {
  $("#days-part").hidden = $("#keep").value !== "days";
  $("#days").required = $("#keep").value === "days";
}

/** @param {any} now */
function drawSources(now) {
  const all = [...new Set([...now.sources_there, ...(now.sources ?? [])])];
  const picks = all.map((name) => {
    const isThere = now.sources_there.includes(name);
    return el("label", { class: "pick" }, el("input", { type: "checkbox", value: name, checked: now.sources?.includes(name), disabled: isLocked("sources") }), el("span", {}, name, isThere ? null : el("span", { class: "soft" }, " is no source any more")));
  });
  const words = now.sources ? "Only those chosen. With none chosen it may use all." : "It may use all. Choose some to narrow it.";
  $("#source-picks").replaceChildren(el("legend", { class: "small soft" }, words), ...picks);
  lock("sources", { sources: [] });
}

/** @param {any} now */
function drawAssigned(now) {
  const locked = isLocked("assignment");
  $("#members").textContent = now.members === 0 ? "Nobody may use it yet." : `${counted(now.members, "person", "people")} may use it now.`;
  const rows = now.assignments.map((/** @type {any} */ one) => assignmentRow(one, locked));
  $("#assignment-rows").replaceChildren(...(rows.length > 0 ? rows : [el("tr", {}, el("td", { colspan: "6", class: "soft" }, "It is assigned to nobody. Choose groups or people below."))]));
  const except = now.except.map((/** @type {any} */ person) =>
    el("li", { class: "health" }, el("span", {}, person.display_name, " ", el("span", { class: "soft" }, person.user_name)), el("button", { class: "button", type: "button", on: { click: () => reassign({ people: [person.id] }, `${person.display_name} is assigned again.`) } }, "Assign again", el("span", { class: "unseen" }, ` ${person.display_name}`))),
  );
  $("#except").replaceChildren(...(except.length > 0 ? [el("h3", { class: "small" }, "Removed, whatever group they are in"), el("ul", {}, except)] : []));
  if (locked) $("#assigning").replaceChildren(el("p", { class: "small soft" }, `Who is assigned stands in the settings ${origin("assignment")}, and is changed there.`));
  else if (!$("#assigning").firstElementChild) $("#assigning").replaceChildren(assigning((whom) => reassign(whom, "Assigned."), trouble));
}

/** @param {any} one @param {boolean} locked */
function assignmentRow(one, locked) {
  const name = one.kind === "everybody" ? "Everybody in the directory" : one.name;
  const whom = { everybody: one.kind === "everybody", groups: one.kind === "group" ? [one.id] : [], people: one.kind === "person" ? [one.id] : [] };
  const tier = tierSelect(`tier-${one.kind}-${one.id}`, one.tier, `Seat of ${name}`);
  tier.addEventListener("change", () => reassign({ ...whom, tier: tier.value }, `${name} has another seat now.`));
  const remove = el("button", { class: "button", type: "button", on: { click: () => reassign({ ...whom, remove: true }, `${name} is not assigned any more.`) } }, "Remove", el("span", { class: "unseen" }, ` ${name}`));
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, name, el("div", { class: "soft" }, one.is_there ? one.user_name : "not in the directory now")),
    el("td", {}, { everybody: "Everybody", group: "Group", person: "Person" }[/** @type {"group"} */ (one.kind)]),
    el("td", { class: "is-number" }, one.people === null ? "" : one.people.toLocaleString()),
    el("td", {}, locked ? (one.tier === "full" ? "Full" : "Reader") : tier),
    el("td", {}, one.since_at ? day(one.since_at) : ""),
    el("td", {}, locked ? null : remove),
  );
}

/** @param {any} whom @param {string} words */
async function reassign(whom, words) {
  try {
    await assign({ application: ID, ...whom });
    $("#trouble").replaceChildren();
    say(words);
  } catch (cause) {
    trouble(cause);
  }
  const focused = document.activeElement?.id;
  whole = await application(ID);
  drawAssigned(whole);
  const again = (focused && document.getElementById(focused)) || (document.activeElement === document.body && $("#assign-query"));
  again?.focus();
}

async function showMembers() {
  try {
    const found = await applicationMembers(ID, new URLSearchParams({ limit: "200" }));
    const rows = found.members.map((/** @type {any} */ one) => el("li", {}, one.display_name, " ", el("span", { class: "soft" }, `${one.user_name}, ${one.tier === "full" ? "full seat" : "reader"}`)));
    const rest = whole.members - rows.length;
    tell(`Who may use ${whole.title}`, rows.length > 0 ? el("ul", {}, rows) : el("p", {}, "Nobody yet."), ...(rest > 0 ? [el("p", { class: "soft" }, `and ${counted(rest, "more person", "more people")}`)] : []));
  } catch (cause) {
    trouble(cause);
  }
}
