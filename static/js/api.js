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
 * @typedef {{rating: "up"|"down", reasons: string[], comment?: string|null}} Feedback
 * @typedef {Error & {status: number, requestId: string|null}} Problem
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
  return Object.assign(new Error(sentence(words)), { status, requestId: body?.request_id ?? null });
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

export const me = () => read("/api/v1/me");
export const providers = () => read("/auth/providers");
/** @param {string} provider */
export const trial = (provider) => read(`/api/v1/admin/providers/${encodeURIComponent(provider)}/trial`);
export const signOut = () => change("POST", "/auth/logout");

/** @param {string} id */
export const openDocument = (id) => read(`/api/v1/documents/${encodeURIComponent(id)}`);

export const conversation = (/** @type {string} */ id) => read(path(id));
export const rename = (/** @type {string} */ id, /** @type {string} */ title) => change("PATCH", path(id), { title });
export const remove = (/** @type {string} */ id) => change("DELETE", path(id));
export const undo = (/** @type {string} */ id) => change("POST", `${path(id)}/undo`);
export const removeAll = () => change("DELETE", "/api/v1/conversations");
export const exportPath = (/** @type {string} */ id, /** @type {"md"|"json"} */ format) => `${path(id)}/export?format=${format}`;

/** @param {string} message @param {Feedback} feedback */
export const rate = (message, feedback) => change("POST", `/api/v1/messages/${encodeURIComponent(message)}/feedback`, feedback);

export const overview = () => read("/api/v1/admin/overview");
export const sources = () => read("/api/v1/admin/sources");
export const sync = (/** @type {string} */ name, allowRemoval = false, mode = "changes") => change("POST", `${sourcePath(name)}/sync`, { mode, allow_removal: allowRemoval });
export const source = (/** @type {string} */ name) => read(sourcePath(name));
export const sourceRuns = (/** @type {string} */ name) => read(`${sourcePath(name)}/runs`);
export const stopSync = (/** @type {string} */ name) => change("POST", `${sourcePath(name)}/stop`);
export const checkSource = (/** @type {string} */ name) => change("POST", `${sourcePath(name)}/check`);
export const previewSource = (/** @type {string} */ name) => read(`${sourcePath(name)}/preview`);
export const testPage = (/** @type {string} */ name, /** @type {string} */ url) => change("POST", `${sourcePath(name)}/test`, { url });

/** @param {string} name */
function sourcePath(name) {
  return `/api/v1/admin/sources/${encodeURIComponent(name)}`;
}

/** @param {URLSearchParams} question a user, a document, and perhaps another user */
export const access = (question) => read(`/api/v1/admin/access?${question}`);

export const users = (/** @type {URLSearchParams} */ question) => read(`/api/v1/admin/users?${question}`);
export const groups = (/** @type {URLSearchParams} */ question) => read(`/api/v1/admin/groups?${question}`);
export const members = (/** @type {string} */ group, /** @type {URLSearchParams} */ question) =>
  read(`/api/v1/admin/groups/${encodeURIComponent(group)}/members?${question}`);
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

/** @param {string} id */
export const ownAccess = (id) => read(`/api/v1/documents/${encodeURIComponent(id)}/access`);

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
    body: JSON.stringify(question),
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
