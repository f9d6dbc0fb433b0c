// @ts-check
/** Light, dark, or as the system has it. early.js applies the choice. */

const CHOICES = /** @type {const} */ (["auto", "light", "dark"]);
const NAMES = { auto: "as the system", light: "light", dark: "dark" };

/** The choice kept in this browser. @returns {"auto"|"light"|"dark"} */
export function theme() {
  let kept = null;
  try {
    kept = localStorage.getItem("sotto.theme");
  } catch {
    // Storage can be switched off.
  }
  return CHOICES.find((choice) => choice === kept) ?? "auto";
}

/** Words for a choice. @param {"auto"|"light"|"dark"} choice */
export function themeName(choice) {
  return NAMES[choice];
}

/** Goes on to the next choice and keeps it; gives it. */
export function nextTheme() {
  const next = CHOICES[(CHOICES.indexOf(theme()) + 1) % CHOICES.length];
  try {
    localStorage.setItem("sotto.theme", next);
  } catch {
    // Then it holds until the page is left.
  }
  dispatchEvent(new Event("sotto-theme"));
  return next;
}
