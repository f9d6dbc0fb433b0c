// Signs alice in by SAML in a real browser: from the sign-in page to the provider's form and back by the form that the provider
// posts to us from its own page, which is what no program without a browser shows: the cookies that come along from another
// site, and the policy of our pages. Run by `node saml.mjs`, with
//   SOTTO_URL       the appliance's address; its provider "Simple" is SimpleSAMLphp with alice/alicepass
//   SOTTO_CHROMIUM  the browser (/usr/bin/chromium where it is not set)
// Exits 0 when everything held, 1 when something did not.
import { APPLIANCE, check, end, launch } from "./judge.mjs";

const browser = await launch();
try {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: "en-GB" });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  /** @type {string[]} */
  const refused = [];
  page.on("console", (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) refused.push(message.text());
  });
  await page.goto(`${APPLIANCE}/sign-in?return_to=${encodeURIComponent("/privacy")}`);
  await page.getByRole("link", { name: "Sign in with Simple" }).click();
  await page.waitForURL((url) => url.origin !== APPLIANCE);
  check(true, "the browser is sent to the provider");
  await page.locator("input[name=username]").fill("alice");
  await page.locator("input[name=password]").fill("alicepass");
  await page.locator("input[name=password]").press("Enter");
  await page.waitForURL((url) => url.origin === APPLIANCE);
  check(new URL(page.url()).pathname === "/privacy", "and comes back, signed in, to where it began", page.url());

  const me = await page.evaluate(async () => (await fetch("/api/v1/me")).json());
  check(me.user?.user_name === "alice", "it is alice who is signed in", JSON.stringify(me));
  const cookies = await context.cookies(APPLIANCE);
  const session = cookies.find((cookie) => cookie.name === "__Host-sotto");
  check(session?.sameSite === "Lax" && session.httpOnly && session.secure, "her session's cookie stays on this site and away from scripts", JSON.stringify(session));
  check(!cookies.some((cookie) => cookie.name === "__Host-sotto-saml"), "the cookie that came along from the provider is gone", JSON.stringify(cookies.map((cookie) => cookie.name)));

  await page.goto(APPLIANCE);
  await page.locator(".greeting").waitFor();
  await page.locator("#account summary").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL((url) => url.origin === APPLIANCE && url.pathname === "/sign-in");
  check((await page.evaluate(async () => (await fetch("/api/v1/me")).status)) === 401, "signing out ends at the sign-in page, by way of the provider");
  check(refused.length === 0, "no page refused anything", refused.join("\n"));
} catch (cause) {
  check(false, "alice was signed in to the end", String(cause?.stack ?? cause));
} finally {
  await browser.close();
}
end();
