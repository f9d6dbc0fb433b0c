// @ts-check
/** Speaks to the appliance: the only module that fetches. Shapes are those of `/api/v1/openapi.json`. */

/**
 * @typedef {{key: string, name: string}} Space
 * @typedef {{text: string, citations: number[], withheld?: boolean}} Claim
 * @typedef {{passage_id: string, text: string, quotes: [number, number][], under?: string[]}} Passage
 * @typedef {{number: number, document_id: string, title: string, space: Space, url: string, updated_at: string,
 *   permissions_as_of: string|null, passages: Passage[]}} Source
 * @typedef {{document_id: string, title: string, space: Space, url: string}} Related
 * @typedef {{conversation_id: string, message_id: string, outcome: "answered"|"refused"|"stopped",
 *   mode: "written"|"extractive", because?: "busy"|"missing"|"failed", claims: Claim[],
 *   withheld: number, refusal?: string, sources: Source[], related: Related[], follow_ups: string[]}} Answer
 * @typedef {{question: string, conversation_id?: string, spaces?: string[], temporary?: boolean}} Ask
 * @typedef {{id: string, title: string, welcome: string, questions: string[]}} Assistant
 * @typedef {{rating: "up"|"down", reasons: string[], comment?: string|null}} Feedback
 * @typedef {Error & {status: number, code: string|null, requestId: string|null}} Problem
 * @typedef {{id: string, kind: "passphrase"|"passkey"|"recovery", name: string|null, made_at: string, credential_id: string|null}} Lock
 * @typedef {{policy: "server"|"login_bound"|"choice", mode: "server"|"login_bound", is_open: boolean, locks: Lock[],
 *   prf_salt: string|null, locked_after_minutes: number}} Protection
 * @typedef {{passphrase: string}|{passkey: {credential_id: string, output: string, salt?: string}}|{recovery_code: string}} Proof
 */

const CHANGES = { "X-Sotto": "1" };

/**
 * What went wrong, in words a person can use.
 * @param {number} status 0 where the appliance could not be reached
 * @param {any} body problem details (RFC 9457), where there are any
 * @returns {Problem}
 */
function problem(status, body) {
  const words = body?.detail || body?.title || (status === 0 ? "the appliance cannot be reached" : `the appliance answered ${status}`);
  return Object.assign(new Error(sentence(words)), { status, code: body?.code ?? null, requestId: body?.request_id ?? null });
}

/** Errors are lower case without a full stop; on a page they are sentences. @param {string} words */
function sentence(words) {
  const whole = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}

/** @param {string} path @param {RequestInit} [options] @returns {Promise<Response>} */
async function send(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", cache: "no-store", redirect: "error", ...options });
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    throw problem(0, null);
  }
  if (response.ok) return response;
  throw problem(response.status, await response.json().catch(() => null));
}

/** @param {string} path @param {RequestInit} [options] @returns {Promise<any>} */
async function read(path, options = {}) {
  const response = await send(path, { ...options, headers: { Accept: "application/json", ...options.headers } });
  return response.status === 204 ? null : response.json().catch(() => null);
}

/** @param {string} method @param {string} path @param {any} [body] */
function change(method, path, body) {
  /** @type {RequestInit} */
  const options = { method, headers: { ...CHANGES } };
  if (body !== undefined) {
    options.headers = { ...CHANGES, "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  return read(path, options);
}

/** The assistant that the page is in, for those who have several; empty where there is one. */
let assistant = "";

/** Asks, opens and searches in this assistant from now on. @param {string} id */
export function enter(id) {
  assistant = id;
}

const within = () => (assistant ? `?application=${encodeURIComponent(assistant)}` : "");

export const me = () => read(`/api/v1/me${within()}`);
export const providers = () => read("/auth/providers");
/** @param {string} provider */
export const trial = (provider) => read(`/api/v1/admin/providers/${encodeURIComponent(provider)}/trial`);
export const signOut = () => change("POST", "/auth/logout");
/** Without a provider. @param {{name: string, password: string, code: string}} proof */
export const signInLocally = (proof) => change("POST", "/auth/emergency", proof);
/** Who is at the desk, and what is theirs there. */
export const standing = () => read("/api/v1/admin/standing");

/** @param {string} id */
export const openDocument = (id) => read(`/api/v1/documents/${encodeURIComponent(id)}${within()}`);

export const conversation = (/** @type {string} */ id) => read(path(id));
export const rename = (/** @type {string} */ id, /** @type {string} */ title) => change("PATCH", path(id), { title });
export const remove = (/** @type {string} */ id) => change("DELETE", path(id));
export const undo = (/** @type {string} */ id) => change("POST", `${path(id)}/undo`);
export const removeAll = () => change("DELETE", "/api/v1/conversations");
export const exportPath = (/** @type {string} */ id, /** @type {"md"|"json"} */ format) => `${path(id)}/export?format=${format}`;

/** Searches one's own history. @param {string} query @param {AbortSignal} signal @returns {Promise<any>} */
export const searchConversations = (query, signal) =>
  read("/api/v1/conversations/search", { method: "POST", headers: { ...CHANGES, "Content-Type": "application/json" }, body: JSON.stringify({ query, limit: 50 }), signal });

/** @returns {Promise<Protection>} */
export const protection = () => read("/api/v1/protection");
/** @param {Proof} proof */
export const unlock = (proof) => change("POST", "/api/v1/protection/unlock", proof);
export const lock = () => change("POST", "/api/v1/protection/lock");
/** @param {Proof} proof @param {string} [name] @returns {Promise<{recovery_code: string}>} */
export const bind = (proof, name) => change("POST", "/api/v1/protection", { ...proof, name });
export const unbind = () => change("DELETE", "/api/v1/protection");
/** @param {Proof} proof @param {string} [name] */
export const addLock = (proof, name) => change("POST", "/api/v1/protection/locks", { ...proof, name });
/** @param {string} id */
export const removeLock = (id) => change("DELETE", `/api/v1/protection/locks/${encodeURIComponent(id)}`);
/** @returns {Promise<{recovery_code: string}>} */
export const renewCode = () => change("POST", "/api/v1/protection/recovery");
/** @returns {Promise<{acts: any[]}>} */
export const acts = () => read("/api/v1/protection/acts");

/** @param {string} message @param {Feedback} feedback */
export const rate = (message, feedback) => change("POST", `/api/v1/messages/${encodeURIComponent(message)}/feedback`, feedback);

/** @param {string} message */
export const release = (message) => change("POST", `/api/v1/messages/${encodeURIComponent(message)}/release`);

export const overview = () => read("/api/v1/admin/overview");
export const sources = () => read("/api/v1/admin/sources");
export const sync = (/** @type {string} */ name, allowRemoval = false, mode = "changes") => change("POST", `${sourcePath(name)}/sync`, { mode, allow_removal: allowRemoval });
export const source = (/** @type {string} */ name) => read(sourcePath(name));
export const sourceRuns = (/** @type {string} */ name) => read(`${sourcePath(name)}/runs`);
export const stopSync = (/** @type {string} */ name) => change("POST", `${sourcePath(name)}/stop`);
/** With a draft: as it would be with that. @param {string} name @param {any} [draft] */
export const checkSource = (name, draft) => change("POST", `${sourcePath(name)}/check`, draft);
/** @param {string} name @param {any} [draft] */
export const previewSource = (name, draft) => (draft ? change("POST", `${sourcePath(name)}/preview`, draft) : read(`${sourcePath(name)}/preview`));
/** @param {any} source a name, settings by their keys, and secrets */
export const makeSource = (source) => change("POST", "/api/v1/admin/sources", source);
/** @param {string} name @param {any} changes settings by their keys, and secrets */
export const changeSource = (name, changes) => change("PATCH", sourcePath(name), changes);
export const removeSource = (/** @type {string} */ name) => change("DELETE", sourcePath(name));
export const testPage = (/** @type {string} */ name, /** @type {string} */ url) => change("POST", `${sourcePath(name)}/test`, { url });

/** @param {string} name */
function sourcePath(name) {
  return `/api/v1/admin/sources/${encodeURIComponent(name)}`;
}

/** @param {URLSearchParams} question a user, a document, and perhaps another user */
export const access = (question) => read(`/api/v1/admin/access?${question}`);
/** @param {URLSearchParams} question a user, a space, and perhaps another user */
export const spaceAccess = (question) => read(`/api/v1/admin/access/space?${question}`);
/** @param {URLSearchParams} question a change that is not made */
export const whatIf = (question) => read(`/api/v1/admin/access/what-if?${question}`);
export const exposure = () => read("/api/v1/admin/exposure");
export const analytics = (/** @type {number} */ days) => read(`/api/v1/admin/analytics?days=${days}`);
export const support = () => read("/api/v1/admin/support");

export const users = (/** @type {URLSearchParams} */ question) => read(`/api/v1/admin/users?${question}`);
export const groups = (/** @type {URLSearchParams} */ question) => read(`/api/v1/admin/groups?${question}`);
export const members = (/** @type {string} */ group, /** @type {URLSearchParams} */ question) =>
  read(`/api/v1/admin/groups/${encodeURIComponent(group)}/members?${question}`);
/** @param {string} id */
const userPath = (id) => `/api/v1/admin/users/${encodeURIComponent(id)}`;
/** @param {string} id @param {boolean} active */
export const changeUser = (id, active) => change("PATCH", userPath(id), { active });
/** @param {string} id */
export const removeUser = (id) => change("DELETE", userPath(id));
/** @param {string} id */
export const endSessionsOf = (id) => change("DELETE", `${userPath(id)}/sessions`);
/** @param {string} group @param {string} user */
export const removeMember = (group, user) => change("DELETE", `/api/v1/admin/groups/${encodeURIComponent(group)}/members/${encodeURIComponent(user)}`);
export const sessions = (/** @type {URLSearchParams} */ question) => read(`/api/v1/admin/sessions?${question}`);
/** @param {string} id */
export const endSession = (id) => change("DELETE", `/api/v1/admin/sessions/${encodeURIComponent(id)}`);

export const aliases = (/** @type {URLSearchParams} */ question) => read(`/api/v1/admin/aliases?${question}`);
export const conflicts = () => read("/api/v1/admin/conflicts");

/** @param {string} source @param {string} key */
const aliasPath = (source, key) => `/api/v1/admin/aliases/${encodeURIComponent(source)}/${encodeURIComponent(key)}`;
/** @param {string} source @param {string} key @param {string|null} user `null` for nobody */
export const giveAccount = (source, key, user) => change("PUT", aliasPath(source, key), { user });
/** @param {string} source @param {string} key */
export const clearAccount = (source, key) => change("DELETE", aliasPath(source, key));

export const auditSearch = (/** @type {URLSearchParams} */ question) => read(`/api/v1/admin/audit?${question}`);
export const auditLeaf = (/** @type {number} */ index) => read(`/api/v1/admin/audit/leaves/${index}`);
export const auditVerify = () => change("POST", "/api/v1/admin/audit/verify");
export const shownDocument = (/** @type {string} */ id, /** @type {URLSearchParams} */ part) => read(`/api/v1/admin/audit/documents/${encodeURIComponent(id)}?${part}`);
export const shownPerson = (/** @type {string} */ person, /** @type {URLSearchParams} */ part) => read(`/api/v1/admin/audit/people/${encodeURIComponent(person)}?${part}`);
export const auditFilters = () => read("/api/v1/admin/audit/filters");
export const keepAuditFilter = (/** @type {string} */ name, /** @type {string} */ query) => change("PUT", `/api/v1/admin/audit/filters/${encodeURIComponent(name)}`, { query });
export const dropAuditFilter = (/** @type {string} */ name) => change("DELETE", `/api/v1/admin/audit/filters/${encodeURIComponent(name)}`);
export const erasures = () => read("/api/v1/admin/audit/erasures");
export const erase = (/** @type {string} */ user) => change("POST", "/api/v1/admin/audit/erasures", { user });
export const checkpoints = () => read("/api/v1/admin/checkpoints");
export const sendCheckpoint = () => change("POST", "/api/v1/admin/checkpoints");
export const scimTokens = () => read("/api/v1/admin/scim_tokens");
/** @param {string} name */
const scimTokenPath = (name) => `/api/v1/admin/scim_tokens/${encodeURIComponent(name)}`;
/** The reply has the token, this once. @param {string} name */
export const makeScimToken = (name) => change("POST", "/api/v1/admin/scim_tokens", { name });
/** The reply has the new token, this once. @param {string} name @param {number} hours */
export const rotateScimToken = (name, hours) => change("POST", `${scimTokenPath(name)}/rotate`, { overlap_hours: hours });
/** @param {string} name @param {{etags?: boolean, requests_per_minute?: number}} habits */
export const changeScimToken = (name, habits) => change("PATCH", scimTokenPath(name), habits);
/** @param {string} name */
export const revokeScimToken = (name) => change("DELETE", scimTokenPath(name));
export const applications = () => read("/api/v1/admin/applications");
export const makeApplication = (/** @type {string} */ title) => change("POST", "/api/v1/admin/applications", { title });
export const application = (/** @type {string} */ id) => read(applicationPath(id));
export const changeApplication = (/** @type {string} */ id, /** @type {any} */ settings) => change("PATCH", applicationPath(id), settings);
export const deleteApplication = (/** @type {string} */ id) => change("DELETE", applicationPath(id));
export const applicationMembers = (/** @type {string} */ id, /** @type {URLSearchParams} */ question) => read(`${applicationPath(id)}/members?${question}`);
/** @param {{application: string, everybody?: boolean, groups?: string[], people?: string[], tier?: string, remove?: boolean}} whom */
export const assign = (whom) => change("POST", "/api/v1/admin/assignments", whom);
export const seats = (/** @type {URLSearchParams} */ question) => read(`/api/v1/admin/seats?${question}`);
/** @param {{deed: string, tier?: string, people: string[]}} deed */
export const changeSeats = (deed) => change("POST", "/api/v1/admin/seats", deed);

/** @param {string} id */
function applicationPath(id) {
  return `/api/v1/admin/applications/${encodeURIComponent(id)}`;
}

/** @param {string} id */
export const ownAccess = (id) => read(`/api/v1/documents/${encodeURIComponent(id)}/access${within()}`);

/** @param {string} id */
function path(id) {
  return `/api/v1/conversations/${encodeURIComponent(id)}`;
}

/** Every conversation, the last changed first; the list comes in pages. @returns {Promise<any[]>} */
export async function conversations() {
  const all = [];
  let cursor = "";
  do {
    const page = await read(`/api/v1/conversations?limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    all.push(...page.conversations);
    cursor = page.next_cursor ?? "";
  } while (cursor);
  return all;
}

/**
 * Asks, and gives the events of the answer as they come. Breaking off `signal` stops the answer.
 * @param {Ask} question @param {AbortSignal} signal
 * @returns {AsyncGenerator<{name: string, body: any}>}
 */
export async function* ask(question, signal) {
  const response = await send("/api/v1/ask", {
    method: "POST",
    headers: { ...CHANGES, "Content-Type": "application/json", Accept: "text/event-stream" },
    body: JSON.stringify({ ...question, ...(assistant && { application: assistant }) }),
    signal,
  });
  if (!response.body) throw problem(0, null);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  for (;;) {
    let piece;
    try {
      piece = await reader.read();
    } catch (cause) {
      if (signal.aborted) throw cause;
      throw problem(0, { detail: "The connection to the appliance broke off before the answer was complete." });
    }
    if (piece.done) return;
    waiting += piece.value;
    const blocks = waiting.split(/\r?\n\r?\n/);
    waiting = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = parseEvent(block);
      if (event?.name === "error") throw problem(event.body?.status ?? 500, event.body);
      if (event) yield event;
    }
  }
}

/** One event of a stream (HTML, section 9.2.6); null for comments. @param {string} block */
function parseEvent(block) {
  let name = "message";
  const lines = [];
  for (const line of block.split(/\r?\n/)) {
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (field === "event") name = value;
    if (field === "data") lines.push(value);
  }
  return lines.length > 0 ? { name, body: JSON.parse(lines.join("\n")) } : null;
}
