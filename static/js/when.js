// @ts-check
/** Times in words, in the reader's own zone. */

const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const MINUTE = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** @param {string|null|undefined} moment @returns {Date|null} */
function parse(moment) {
  const date = new Date(moment ?? "");
  return Number.isNaN(date.getTime()) ? null : date;
}

/** `3 Nov 2026`. @param {string|null|undefined} moment */
export function day(moment) {
  const date = parse(moment);
  return date ? DAY.format(date) : "";
}

/** `14:03:22` today, with the day before it otherwise. @param {string|null|undefined} moment */
export function exactly(moment) {
  const date = parse(moment);
  if (!date) return "";
  return daysAgo(date, new Date()) === 0 ? TIME.format(date) : `${DAY.format(date)}, ${TIME.format(date)}`;
}

/** `14:03` today, with the day before it otherwise. @param {string|null|undefined} moment */
export function roughly(moment) {
  const date = parse(moment);
  if (!date) return "";
  return daysAgo(date, new Date()) === 0 ? MINUTE.format(date) : `${DAY.format(date)}, ${MINUTE.format(date)}`;
}

/** `4 min`. @param {string|null|undefined} moment @param {Date} now */
export function age(moment, now) {
  const date = parse(moment);
  if (!date) return "never";
  const seconds = Math.max(0, Math.round((now.getTime() - date.getTime()) / 1000));
  if (seconds < 90) return `${seconds} s ago`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86400)} days ago`;
}

/** How long something took: `4 s`, `2 min 5 s`, `1 h 20 min`. @param {number} ms */
export function lasted(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds === 0) return "under 1 s";
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 > 0 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`;
  return minutes % 60 > 0 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${Math.floor(minutes / 60)} h`;
}

/** The heading that a conversation of this moment stands under. @param {string|null|undefined} moment @param {Date} now */
export function heading(moment, now) {
  const date = parse(moment);
  if (!date) return "Earlier";
  const ago = daysAgo(date, now);
  if (ago <= 0) return "Today";
  if (ago === 1) return "Yesterday";
  return ago <= 7 ? "Last seven days" : "Earlier";
}

/** Midnights between two dates. @param {Date} date @param {Date} now */
function daysAgo(date, now) {
  const midnight = (/** @type {Date} */ of) => new Date(of.getFullYear(), of.getMonth(), of.getDate()).getTime();
  return Math.round((midnight(now) - midnight(date)) / 86_400_000);
}
