// Plays a private history in a real browser: Mateo binds his to a passkey and adds a passphrase, signs out, finds it locked,
// unlocks it, finds an old answer by its words, and gives the key back; and reads what the administrator looked up about him.
// The passkey is a virtual one of the browser's debugger, with the PRF extension. Run by `node private.mjs`, with
// what judge.mjs reads from the environment.
// Exits 0 when everything held, 1 when something did not.
import { APPLIANCE, DESK, check, end, launch, looks as judged, shot, signIn } from "./judge.mjs";

const TEAM = "Who is on my team?";
const PASSPHRASE = "four words of my own";
const ANSWER_MS = 240_000;

const browser = await launch();
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
  await shot(page, "private-failed").catch(() => {});
} finally {
  await browser.close();
}
end();

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
function looks(state) {
  return judged(page, state, true);
}
