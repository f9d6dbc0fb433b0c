// What the scenes in a real browser share: where the appliance is, how it is judged, and how somebody signs in. Read from
//   SOTTO_URL       the appliance's address (https://localhost:8443 where it is not set)
//   SOTTO_SHOTS     a folder for screenshots (none are taken where it is not set)
//   SOTTO_CHROMIUM  the browser (/usr/bin/chromium where it is not set)
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

export const APPLIANCE = new URL(process.env.SOTTO_URL ?? "https://localhost:8443").origin;
export const DESK = { width: 1280, height: 860 };
const PHONE = { width: 390, height: 800 };
const SHOTS = process.env.SOTTO_SHOTS ?? "";
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let passed = 0;
let failed = 0;

/** @param {boolean} holds @param {string} sentence @param {string} [found] */
export function check(holds, sentence, found = "") {
  if (holds) passed += 1;
  else failed += 1;
  console.log(`${holds ? "ok  " : "FAIL"} ${sentence}${holds || !found ? "" : `\n     found: ${found}`}`);
}

/** Ends the process: 0 when everything held, 1 when something did not. @returns {never} */
export function end() {
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}

/** Opens the browser. */
export function launch() {
  if (SHOTS) mkdirSync(SHOTS, { recursive: true });
  return chromium.launch({
    executablePath: process.env.SOTTO_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
}

/** By the provider's own form. @param {import("playwright-core").Page} page @param {string} name */
export async function signIn(page, name) {
  await page.locator("#providers a").first().click();
  await page.waitForURL((url) => url.origin !== APPLIANCE);
  await page.getByRole("button", { name: new RegExp(name) }).click();
  await page.waitForURL((url) => url.origin === APPLIANCE && url.pathname === "/");
  await page.locator(".greeting").waitFor();
}

/**
 * Judges one state: in both colour schemes and at phone width where `withLooks` says so.
 * @param {import("playwright-core").Page} page @param {string} state @param {boolean} withLooks
 */
export async function looks(page, state, withLooks) {
  for (const [size, viewport] of Object.entries(withLooks ? { desk: DESK, phone: PHONE } : { desk: DESK })) {
    await page.setViewportSize(viewport);
    for (const colorScheme of /** @type {const} */ (withLooks ? ["dark", "light"] : ["light"])) {
      await page.emulateMedia({ colorScheme });
      await page.evaluate(settled);
      await shot(page, `${state}-${size}-${colorScheme}`);
      await axe(page, `${state}, ${size}, ${colorScheme}`);
    }
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    check(wide <= 0, `${state}, ${size}: nothing stands out to the side`, `${wide} px`);
  }
  await page.setViewportSize(DESK);
}

/** Waits, in the page, for what moves to stand still. */
async function settled() {
  // A change of scheme begins its transitions in the next frame, not at once.
  for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
  // What stands in closed details is not drawn, and so its transitions never end.
  const isDrawn = (/** @type {any} */ one) => one.effect?.target?.checkVisibility() ?? true;
  const finite = document.getAnimations().filter((one) => isDrawn(one) && one.effect?.getComputedTiming().endTime !== Infinity);
  await Promise.allSettled(finite.map((one) => one.finished));
}

/** @param {import("playwright-core").Page} page @param {string} state */
async function axe(page, state) {
  // The page's policy allows no foreign script element; the debugger's door is not bound by it.
  await page.evaluate(AXE);
  const serious = await page.evaluate(async () => {
    const { violations } = await /** @type {any} */ (window).axe.run(document, { resultTypes: ["violations"] });
    return violations
      .filter((/** @type {any} */ one) => one.impact === "serious" || one.impact === "critical")
      .map((/** @type {any} */ one) => `${one.id}: ${one.nodes.map((/** @type {any} */ node) => `${node.target} ${node.failureSummary}`).join("; ")}`);
  });
  check(serious.length === 0, `axe finds nothing serious: ${state}`, serious.join("\n     "));
}

/** @param {import("playwright-core").Page} page @param {string} name */
export async function shot(page, name) {
  if (SHOTS) await page.screenshot({ path: join(SHOTS, `${name}.png`) });
}
