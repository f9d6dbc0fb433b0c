// @ts-check
/** The settings of a source as a form: what is sent is what somebody changed, by the keys of the settings file. */
import { el } from "./dom.js";

/**
 * One setting: its key, its label, how it is entered, what is said below it, and the products it is for (all where none is named).
 * @typedef {{key: string, label: string, as: "text"|"lines"|"number"|"check"|"secret"|"times"|"kinds", hint?: string, of?: string[], upload?: boolean}} Setting
 */

const WIKIS = ["confluence", "confluence_cloud"];
const ARCHIVE = ["confluence_archive"];

export const PRODUCTS = /** @type {[string, string][]} */ ([
  ["confluence", "Confluence Data Center or Server"],
  ["confluence_cloud", "Confluence Cloud"],
  ["confluence_archive", "An XML export of a Confluence"],
]);

const PATTERN = "One regular expression a line. Each must match the whole, in any case.";

/** @type {[string, Setting[]][]} */
const PARTS = [
  [
    "Where it is, and as whom it is read",
    [
      { key: "url", label: "Address", as: "text", hint: "With the context path, where there is one. An archive needs none." },
      { key: "user", label: "Account", as: "text", hint: "Whose credential it is; on Cloud, the e-mail address. As anybody else nothing is read.", of: WIKIS },
      { key: "token", label: "Token", as: "secret", hint: "A personal access token; on Cloud, an API token.", of: WIKIS },
      { key: "password", label: "Password, in place of a token", as: "secret", of: ["confluence"] },
      { key: "webhook_secret", label: "Secret of webhooks", as: "secret", hint: "Without one no webhook is listened to.", of: WIKIS },
      { key: "file", label: "The export", as: "text", hint: "A path on the server, below the folder that the settings file allows.", of: ARCHIVE },
      { key: "memberships_file", label: "Table of who is in which group", as: "text", of: ARCHIVE },
      { key: "token_file", label: "Token from a file", as: "text", hint: "In place of one that is entered. Below the folder that the settings file allows.", of: WIKIS },
      { key: "password_file", label: "Password from a file", as: "text", of: ["confluence"] },
      { key: "webhook_secret_file", label: "Secret of webhooks from a file", as: "text", of: WIKIS },
      { key: "pages_url", label: "Where people open pages", as: "text", hint: "Where that is another address." },
      { key: "hosts", label: "Other hosts it may send us to for files", as: "lines", of: WIKIS },
      { key: "roots", label: "Root certificates of its own", as: "lines", hint: "PEM files below the folder that the settings file allows.", of: WIKIS },
      { key: "proxy", label: "Proxy", as: "text", of: WIKIS },
      { key: "requests_per_second", label: "Requests a second at most", as: "number", hint: "0 for no limit of ours. What Confluence asks for is obeyed in any case.", of: WIKIS },
      { key: "use_groups", label: "Groups that may use Confluence", as: "lines", hint: "Where it cannot be asked." },
      { key: "space_permissions", label: "Table of who may view which space", as: "lines", upload: true, hint: "For versions before 9.1 that tell it in no other way: space_key,subject_type,subject, one a line; the type is user, group or everyone.", of: ["confluence"] },
      { key: "space_permissions_file", label: "The same from a file, or from an XML export", as: "text", of: ["confluence"] },
      { key: "admin_key", label: "Take an admin key for each sync", as: "check", of: ["confluence_cloud"] },
      { key: "folders_are_open", label: "Folders restrict nothing", as: "check", hint: "Confluence does not tell what they restrict. Without this nobody finds the pages in them.", of: ["confluence_cloud"] },
    ],
  ],
  [
    "What is taken in",
    [
      { key: "spaces", label: "Spaces, by key", as: "lines", hint: "One a line. With none here and none below, all." },
      { key: "space_patterns", label: "More spaces, by expression of the key", as: "lines", hint: PATTERN },
      { key: "without_spaces", label: "Spaces left out", as: "lines", hint: PATTERN },
      { key: "kinds", label: "Kinds", as: "kinds" },
      { key: "personal_spaces", label: "Personal spaces are among all", as: "check" },
      { key: "archived_spaces", label: "Archived spaces too", as: "check" },
      { key: "archived_pages", label: "Archived pages too", as: "check" },
      { key: "resolved_comments", label: "Resolved inline comments too", as: "check" },
      { key: "take_shown", label: "Pages whose storage form cannot be read, as they are shown", as: "check", of: ["confluence"] },
      { key: "titles", label: "Titles", as: "lines", hint: PATTERN },
      { key: "without_titles", label: "Titles left out", as: "lines", hint: PATTERN },
      { key: "labels", label: "Labels, one of which a page must have", as: "lines", hint: PATTERN },
      { key: "without_labels", label: "Labels left out", as: "lines", hint: PATTERN },
      { key: "media_types", label: "Media types of attachments", as: "lines", hint: PATTERN },
      { key: "without_media_types", label: "Media types left out", as: "lines", hint: PATTERN },
      { key: "attachment_bytes_max", label: "Largest attachment, in bytes", as: "number", hint: "Empty for whatever can be read." },
      { key: "cql", label: "Condition in Confluence's query language", as: "text", of: WIKIS },
    ],
  ],
  [
    "When it is read",
    [
      { key: "every_minutes", label: "Minutes between two runs", as: "number", hint: "0 for none but those on demand and at set times." },
      { key: "news_minutes", label: "Minutes between looks at what is new", as: "number", hint: "0 for none.", of: WIKIS },
      { key: "schedule", label: "At set times", as: "times", hint: "One a line: five fields of cron or @hourly, @daily, @weekly, @monthly; then full, changes or permissions." },
      { key: "time_zone", label: "Time zone of these", as: "text" },
    ],
  ],
  [
    "Safety",
    [
      { key: "removal_guard_percent", label: "Removal guard, in percent", as: "number", hint: "A run that would remove more than this share, and more than five documents, waits for your word." },
      { key: "stale_minutes", label: "Minutes after which old permissions answer nothing", as: "number", hint: "0 for never." },
    ],
  ],
];

/** How often, in one choice: what it sets of the keys above. @type {[string, string, {every_minutes: string, schedule: string}|null][]} */
const OFTEN = [
  ["", "As said below", null],
  ["demand", "On demand only", { every_minutes: "0", schedule: "" }],
  ["5", "Every 5 minutes", { every_minutes: "5", schedule: "" }],
  ["15", "Every 15 minutes, and everything again on Sundays", { every_minutes: "15", schedule: "0 3 * * sun full" }],
  ["60", "Every hour, and everything again on Sundays", { every_minutes: "60", schedule: "0 3 * * sun full" }],
  ["night", "Every night at three", { every_minutes: "0", schedule: "0 3 * * * changes" }],
];

const KINDS = /** @type {[string, string][]} */ ([["page", "Pages"], ["blogpost", "Blog posts"], ["comment", "Comments"], ["attachment", "Attachments"]]);

const AUTHORS = /** @type {[string, string][]} */ ([["last_editor", "Who changed it last"], ["creator", "Who made it"], ["both", "Both"], ["none", "Nobody: not kept"]]);

const FIELDS = /** @type {[string, string][]} */ ([
  ["title", "Title"],
  ["authors", "Authors"],
  ["created", "Created"],
  ["updated", "Updated"],
  ["labels", "Labels"],
  ["space", "Space"],
  ["type", "Type"],
  ["version", "Version"],
  ["parent", "Parent"],
  ["url", "Address"],
]);

/** What a source has where nobody set anything. */
export const DEFAULTS = {
  personal_spaces: true,
  kinds: KINDS.map(([kind]) => kind),
  every_minutes: 15,
  news_minutes: 3,
  requests_per_second: 0,
  removal_guard_percent: 15,
  stale_minutes: 0,
  time_zone: "UTC",
  fields: { authors: "last_editor", created: true, labels: true, parent: true, names: {} },
};

/**
 * A form over settings. `sent()` gives what was changed since.
 * @param {any} values by their keys @param {string[]} entered secrets that were entered @param {string} product
 */
export function sourceForm(values, entered, product) {
  /** @type {{setting: Setting, row: HTMLElement, read: () => any, was: string}[]} */
  const rows = [];
  const parts = PARTS.map(([title, settings]) => {
    const made = settings.map((setting) => {
      const { row, read } = control(setting, values[setting.key], entered.includes(setting.key));
      rows.push({ setting, row, read, was: JSON.stringify(read()) });
      return row;
    });
    return el("fieldset", { class: "form-part" }, el("legend", {}, title), title === "When it is read" && often(), el("div", { class: "form-rows" }, made));
  });
  const fields = fieldsPart(values.fields ?? DEFAULTS.fields);
  const node = el("div", { class: "form-parts" }, parts, fields.node);
  const show = (/** @type {string} */ kind) => {
    for (const { setting, row } of rows) row.hidden = setting.of !== undefined && !setting.of.includes(kind);
  };
  show(product);
  return {
    node,
    show,
    sent() {
      /** @type {{[key: string]: any}} */
      const settings = {};
      /** @type {{[key: string]: any}} */
      const secrets = {};
      for (const { setting, row, read, was } of rows) {
        const now = read();
        if (row.hidden || JSON.stringify(now) === was) continue;
        if (setting.as === "secret") secrets[setting.key] = now;
        else settings[setting.key] = now;
      }
      if (fields.isChanged()) settings.fields = fields.read();
      return { settings, secrets };
    },
  };
}

/** @param {Setting} setting @param {any} value @param {boolean} isEntered */
function control(setting, value, isEntered) {
  const id = `set-${setting.key}`;
  const hint = setting.hint ? el("p", { class: "small soft", id: `${id}-hint` }, setting.hint) : null;
  const look = { id, name: setting.key, "aria-describedby": hint && `${id}-hint` };
  const label = el("label", { for: id }, setting.label);
  const text = (/** @type {any} */ of) => (of === null || of === undefined || of === "about:blank" ? "" : String(of));
  if (setting.as === "check") {
    const box = el("input", { ...look, type: "checkbox", checked: value === true });
    return { row: el("div", { class: "form-check" }, box, el("div", {}, label, hint)), read: () => box.checked };
  }
  if (setting.as === "kinds") {
    const boxes = KINDS.map(([kind, words]) => [el("input", { type: "checkbox", id: `${id}-${kind}`, checked: (value ?? []).includes(kind) }), kind, words]);
    const group = el("fieldset", { class: "form-kinds" }, el("legend", {}, setting.label), boxes.map(([box, kind, words]) => el("span", { class: "form-check" }, box, el("label", { for: `${id}-${kind}` }, words))));
    return { row: group, read: () => boxes.filter(([box]) => box.checked).map(([, kind]) => kind) };
  }
  if (setting.as === "lines" || setting.as === "times") {
    const lines = setting.as === "times" ? (value ?? []).map((/** @type {any} */ one) => `${one.cron} ${one.mode}`) : (value ?? []);
    const area = el("textarea", { ...look, class: "field", rows: String(Math.min(6, Math.max(2, lines.length))), spellcheck: "false", autocomplete: "off" });
    area.value = lines.join("\n");
    const split = () => area.value.split("\n").map((/** @type {string} */ line) => line.trim()).filter(Boolean);
    const upload = setting.upload && el("input", { type: "file", accept: ".csv,text/csv,text/plain", "aria-label": `${setting.label}, from a file of this computer` });
    if (upload) {
      upload.addEventListener("change", async () => {
        const file = upload.files[0];
        if (file) area.value = await file.text();
      });
    }
    return { row: el("div", {}, label, area, upload, hint), read: () => (setting.as === "times" ? split().map(timed) : split()) };
  }
  if (setting.as === "secret") {
    const field = el("input", { ...look, class: "field", type: "password", autocomplete: "new-password", placeholder: isEntered ? "Entered, and sealed" : null });
    return { row: el("div", {}, label, field, hint), read: () => field.value || null };
  }
  const field = el("input", { ...look, class: "field", type: setting.as === "number" ? "number" : "text", min: setting.as === "number" ? "0" : null, autocomplete: "off", spellcheck: "false", value: text(value) });
  const read = () => {
    const typed = field.value.trim();
    if (typed === "") return null;
    return setting.as === "number" ? Number(typed) : typed;
  };
  return { row: el("div", {}, label, field, hint), read };
}

/** A line of the schedule: what comes last is how much is read. @param {string} line */
function timed(line) {
  const words = line.split(/\s+/);
  const mode = /^(full|changes|permissions)$/.test(words.at(-1) ?? "") ? words.pop() : "changes";
  return { cron: words.join(" "), mode };
}

/** One choice that fills in the two settings below it. */
function often() {
  const choice = el("select", { class: "field", id: "often" }, OFTEN.map(([value, words]) => el("option", { value }, words)));
  choice.addEventListener("change", () => {
    const set = OFTEN.find(([value]) => value === choice.value)?.[2];
    if (!set) return;
    for (const [key, value] of Object.entries(set)) {
      const field = choice.closest("fieldset")?.querySelector(`#set-${key}`);
      if (field) field.value = value;
    }
  });
  return el("div", { class: "form-often" }, el("label", { for: "often" }, "How often"), choice);
}

/** Which fields are kept, and how each is called. @param {any} was */
function fieldsPart(was) {
  const authors = el("select", { class: "field", id: "field-authors-kept", "aria-label": "Whose names are kept" }, AUTHORS.map(([value, words]) => el("option", { value, selected: was.authors === value }, words)));
  const boxes = /** @type {{[field: string]: any}} */ ({});
  for (const field of ["created", "labels", "parent"]) boxes[field] = el("input", { type: "checkbox", id: `field-${field}-kept`, checked: was[field] !== false });
  const names = /** @type {{[field: string]: any}} */ ({});
  const rows = FIELDS.map(([field, words]) => {
    names[field] = el("input", { class: "field", id: `field-${field}`, autocomplete: "off", spellcheck: "false", maxlength: "40", placeholder: field, value: was.names?.[field], "aria-label": `Name of the field ${words}` });
    const kept = field === "authors" ? authors : boxes[field] ? el("span", { class: "form-check" }, boxes[field], el("label", { for: `field-${field}-kept` }, "Kept", el("span", { class: "unseen" }, `: ${words}`))) : el("span", { class: "soft" }, "Always kept");
    return el("tr", {}, el("th", { scope: "row" }, words), el("td", {}, kept), el("td", {}, names[field]));
  });
  const read = () => {
    const named = FIELDS.map(([field]) => [field, names[field].value.trim()]).filter(([field, name]) => name !== "" && name !== field);
    return { authors: authors.value, created: boxes.created.checked, labels: boxes.labels.checked, parent: boxes.parent.checked, names: Object.fromEntries(named) };
  };
  const first = JSON.stringify(read());
  const table = el("table", {}, el("thead", {}, el("tr", {}, ["Field", "Kept", "Its name here"].map((words) => el("th", { scope: "col" }, words)))), el("tbody", {}, rows));
  return {
    node: el("fieldset", { class: "form-part" }, el("legend", {}, "Fields"), el("p", { class: "small soft" }, "What is kept with each page beside its words, and the name by which a page shows it and a search is narrowed."), el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Fields and their names, table" }, table)),
    read,
    isChanged: () => JSON.stringify(read()) !== first,
  };
}
