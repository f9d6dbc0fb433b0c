// Plays a private history in a real browser: Mateo binds his to a passkey and adds a passphrase, signs out, finds it locked,
// unlocks it, finds an old answer by its words, and gives the key back; and reads what the administrator looked up about him.
// The passkey is a virtual one of the browser's debugger, with the PRF extension. Run by `node private.mjs`, with
//   SOTTO_URL       the appliance's address (https://localhost:8443 where it is not set)
//   SOTTO_SHOTS     a folder for screenshots (none are taken where it is not set)
//   SOTTO_CHROMIUM  the browser (/usr/bin/chromium where it is not set)
// Exits 0 when everything held, 1 when something did not.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const APPLIANCE = new URL(process.env.SOTTO_URL ?? "https://localhost:8443").origin;
const SHOTS = process.env.SOTTO_SHOTS ?? "";
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TEAM = "Who is on my team?";
const PASSPHRASE = "four words of my own";
const ANSWER_MS = 240_000;
const DESK = { width: 1280, height: 860 };
const PHONE = { width: 390, height: 800 };

let passed = 0;
let failed = 0;

/** @param {boolean} holds @param {string} sentence @param {string} [found] */
function check(holds, sentence, found = "") {
  if (holds) passed += 1;
  else failed += 1;
  console.log(`${holds ? "ok  " : "FAIL"} ${sentence}${holds || !found ? "" : `\n     found: ${found}`}`);
}

if (SHOTS) mkdirSync(SHOTS, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.SOTTO_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});
const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: DESK, locale: "en-GB", colorScheme: "light" });
const page = await context.newPage();
page.setDefaultTimeout(30_000);
const troubles = /** @type {string[]} */ ([]);
page.on("pageerror", (error) => troubles.push(error.message));
page.on("console", (line) => {
  // That nobody is signed in, that it is locked, and that something does not unlock it, is said so.
  if (line.type() === "error" && !/status of (401|403|423)/.test(line.text())) troubles.push(line.text());
});
try {
  await play();
  check(troubles.length === 0, "the browser reported no error and refused nothing", troubles.join("\n"));
} catch (cause) {
  check(false, "the scene was played to its end", String(cause?.stack ?? cause));
  await shot("private-failed").catch(() => {});
} finally {
  await browser.close();
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

async function play() {
  await page.goto(`${APPLIANCE}/privacy`);
  await page.getByRole("link", { name: "Sign in" }).waitFor();
  check(true, "who is signed out reads what is protected, and is told where to sign in");
  await looks("privacy-signed-out");
  const devtools = await context.newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      hasPrf: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });

  await page.goto(APPLIANCE);
  await page.waitForURL(/\/sign-in/);
  await signIn(page, "Mateo");
  await page.getByRole("textbox", { name: "Ask a question" }).fill(TEAM);
  await page.keyboard.press("Enter");
  await page.locator(".toolbar").waitFor({ timeout: ANSWER_MS });
  const path = new URL(page.url()).pathname;
  const answer = await page.locator(".claim").first().innerText();

  await page.goto(`${APPLIANCE}/privacy`);
  await page.getByRole("button", { name: "Bind with a passkey" }).waitFor();
  check((await page.locator("tr[data-mode=server] .mode-mark").count()) === 1, "the page says which of the two ways is Mateo's");
  await looks("privacy-server");
  await page.getByRole("button", { name: "Bind with a passkey" }).click();
  const code = await page.locator(".code").innerText();
  check(/^([0-9A-Z]{4}-){7}[0-9A-Z]{4}$/.test(code), "a passkey binds it, and a recovery code is shown", code);
  await looks("privacy-code");
  await page.getByRole("button", { name: "I have put it away" }).click();
  check((await page.locator("tr[data-mode=login_bound] .mode-mark").count()) === 1, "then the other way is his");

  await page.getByText("Add a passphrase").click();
  await page.getByLabel(/^A passphrase/).first().fill(PASSPHRASE);
  await page.getByLabel("The same again").first().fill(PASSPHRASE);
  await page.getByRole("button", { name: "Keep this passphrase" }).click();
  await page.locator(".lock-row").nth(2).waitFor();
  const locks = await page.locator(".lock-row").allInnerTexts();
  check(locks.length === 3 && locks.some((one) => one.startsWith("Passphrase")), "a passphrase unlocks it too", locks.join(" | "));
  await looks("privacy-bound");

  await signOut();
  await signIn(page, "Mateo");
  await page.locator("#locked").waitFor();
  const listed = await page.locator("#listing").innerText();
  check(!listed.includes(TEAM), "signed in again, nothing of his history is shown", listed);
  await looks("locked");
  await page.goto(APPLIANCE + path);
  await page.locator("#locked").waitFor();
  check(true, "nor at the address of a conversation");
  await page.getByLabel("Passphrase").fill("four words of hers");
  await page.getByRole("button", { name: "Unlock", exact: true }).click();
  await page.locator(".wrong").filter({ hasText: "does not unlock" }).waitFor();
  check(true, "a wrong passphrase is told so");
  await page.getByRole("button", { name: "Unlock with a passkey" }).click();
  await page.locator(".claim").first().waitFor();
  check((await page.locator(".claim").first().innerText()) === answer, "the passkey unlocks it, and the conversation is there");

  await page.locator("#find").fill(answer.split(/\s+/).find((word) => /^\p{L}{5,}$/u.test(word)) ?? "team");
  await page.locator(".listed-link").first().waitFor();
  const found = await page.locator("#listing").innerText();
  check(found.includes(TEAM), "it is found by a word of the answer", found);
  await page.locator("#find").fill("zyzzyva");
  await page.locator(".listing-note").filter({ hasText: "No conversation has these words" }).waitFor();
  check(true, "and by no word that is not there");
  await page.locator("#find").fill("");

  const other = await context.browser()?.newContext({ ignoreHTTPSErrors: true, locale: "en-GB" });
  const admin = await /** @type {any} */ (other).newPage();
  await admin.goto(APPLIANCE);
  await signIn(admin, "Ana");
  const { user } = await (await page.request.get(`${APPLIANCE}/api/v1/me`)).json();
  const kept = await (await page.request.get(`${APPLIANCE}/api/v1${path}`)).json();
  const document = kept.messages[0].answer.sources[0].document_id;
  await admin.request.get(`${APPLIANCE}/api/v1/admin/access?user=${encodeURIComponent(user.user_name)}&document=${encodeURIComponent(document)}`);
  await other?.close();
  await page.goto(`${APPLIANCE}/privacy`);
  await page.locator("#acts-rows tr").filter({ hasText: "Looked up why you may or may not read a page" }).waitFor();
  const acts = await page.locator("#acts-rows").innerText();
  check(/Ana/.test(acts), "he reads what the administrator looked up about him, and who", acts);
  await looks("privacy-acts");

  await page.getByRole("button", { name: "Lock now" }).click();
  await page.getByText("Your history is bound to you alone, and locked.").waitFor();
  await page.goto(APPLIANCE);
  await page.getByRole("button", { name: "Ask in a temporary conversation" }).click();
  await page.getByRole("textbox", { name: "Ask a question" }).fill(TEAM);
  await page.keyboard.press("Enter");
  await page.locator(".toolbar").waitFor({ timeout: ANSWER_MS });
  check((await page.locator(".claim").count()) > 0, "while it is locked, a temporary question is answered");

  await page.goto(`${APPLIANCE}/privacy`);
  await page.getByLabel("Passphrase").fill(PASSPHRASE);
  await page.getByRole("button", { name: "Unlock", exact: true }).click();
  await page.locator(".lock-row").first().waitFor();
  await page.getByText("Bind it no longer").click();
  await page.getByRole("button", { name: "Let the appliance hold the key" }).click();
  await page.locator("tr[data-mode=server] .mode-mark").waitFor();
  await page.goto(APPLIANCE + path);
  await page.locator(".claim").first().waitFor();
  check(true, "given back to the appliance, it opens without being unlocked");
  await page.emulateMedia({ media: "print" });
  const printed = await page.locator("#sidebar, #composer, .toolbar").evaluateAll((all) => all.filter((one) => one.checkVisibility()).length);
  check(printed === 0 && (await page.locator(".claim").first().isVisible()), "printed, a conversation is its questions and answers alone");
  await page.emulateMedia({ media: "screen" });
  await devtools.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId });
}

/** By the provider's own form. @param {import("playwright-core").Page} at @param {string} name */
async function signIn(at, name) {
  await at.locator("#providers a").first().click();
  await at.waitForURL((url) => url.origin !== APPLIANCE);
  await at.getByRole("button", { name: new RegExp(name) }).click();
  await at.waitForURL((url) => url.origin === APPLIANCE && url.pathname === "/");
  await at.locator(".greeting").waitFor();
}

async function signOut() {
  await page.goto(APPLIANCE);
  await page.locator(".greeting").waitFor();
  await page.locator("#account summary").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL((url) => url.pathname !== "/" || url.origin !== APPLIANCE);
  await page.goto(APPLIANCE);
  await page.waitForURL(/\/sign-in/);
}

/** Judges one state, in both colour schemes and at phone width. @param {string} state */
async function looks(state) {
  for (const [size, viewport] of Object.entries({ desk: DESK, phone: PHONE })) {
    await page.setViewportSize(viewport);
    for (const colorScheme of /** @type {const} */ (["dark", "light"])) {
      await page.emulateMedia({ colorScheme });
      await page.evaluate(settled);
      await shot(`${state}-${size}-${colorScheme}`);
      await axe(`${state}, ${size}, ${colorScheme}`);
    }
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    check(wide <= 0, `${state}, ${size}: nothing stands out to the side`, `${wide} px`);
  }
  await page.setViewportSize(DESK);
}

/** Waits, in the page, for what moves to stand still. */
async function settled() {
  for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
  // What stands in closed details never ends, for it is not drawn.
  const isDrawn = (/** @type {any} */ one) => one.effect?.target?.checkVisibility() ?? false;
  const finite = document.getAnimations().filter((one) => isDrawn(one) && one.effect?.getComputedTiming().endTime !== Infinity);
  await Promise.allSettled(finite.map((one) => one.finished));
}

/** @param {string} state */
async function axe(state) {
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

/** @param {string} name */
async function shot(name) {
  if (SHOTS) await page.screenshot({ path: join(SHOTS, `${name}.png`) });
}
