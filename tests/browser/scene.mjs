// Plays the scene in a real browser: Mateo and Mary sign in, ask, open a source, and cannot see each other's
// conversations. Run by `node scene.mjs`, with
// what judge.mjs reads from the environment.
// Exits 0 when everything held, 1 when something did not.
import { APPLIANCE, DESK, check, end, launch, looks, shot, signIn } from "./judge.mjs";

const TEAM = "Who is on my team?";
/** A small model on two busy cores may take this long for one answer. */
const ANSWER_MS = 240_000;

const browser = await launch();
const people = [];
try {
  people.push(await play("Mateo", { withLooks: true }));
  people.push(await play("Mary", { withLooks: false }));
  const [mateo, mary] = people;
  check(mateo.answer !== mary.answer, "Mateo and Mary get different answers to the same question", mateo.answer);
  await cannotOpen("Mary", mary, mateo.path);
  await cannotOpen("Mateo", mateo, mary.path);
  await administer(mateo, mary);
  await signOut("Mateo", mateo);
  await signOut("Mary", mary);
  for (const { name, foreign } of people) {
    check(foreign.length === 0, `${name}'s browser asked nobody but the appliance and the provider`, foreign.join(", "));
  }
} catch (cause) {
  check(false, "the scene was played to its end", String(cause?.stack ?? cause));
  for (const [at, context] of browser.contexts().entries()) {
    for (const page of context.pages()) await shot(page, `failed-${at}`).catch(() => {});
  }
} finally {
  await browser.close();
}
end();

/**
 * One person signs in, asks, reads the answer and opens its source.
 * @param {string} name @param {{withLooks: boolean}} options whether each state is judged in both colour schemes and on a phone
 */
async function play(name, { withLooks }) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: DESK, locale: "en-GB", colorScheme: "light" });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const troubles = watchTroubles(page);
  const foreign = watchOrigins(context);
  const judge = (/** @type {string} */ state) => looks(page, `${name.toLowerCase()}-${state}`, withLooks);

  await page.goto(APPLIANCE);
  await page.waitForURL(/\/sign-in/);
  check(true, `${name}, signed out, is sent to the sign-in page`);
  await page.locator("#providers a").first().waitFor();
  await judge("sign-in");
  await signIn(page, name);
  const greeting = await page.locator(".welcome").innerText();
  check(greeting.includes(name), `${name} is greeted by name`, greeting);
  check(/Answers come from \d+ spaces? you can open/.test(greeting), `${name} reads from how many spaces answers come`, greeting);
  await judge("empty");

  await page.getByRole("textbox", { name: "Ask a question" }).fill(TEAM);
  const couldStop = page.evaluate(sawStop);
  await page.keyboard.press("Enter");
  await page.locator(".question").waitFor();
  check((await page.locator(".question").innerText()) === TEAM, `${name}'s question is shown at once`);
  check(await couldStop, `${name} can stop the running answer`);
  await page.locator(".toolbar").waitFor({ timeout: ANSWER_MS });
  const claims = page.locator(".claim");
  const answer = (await claims.allInnerTexts()).join(" ");
  check((await claims.count()) > 0, `${name} gets an answer`, await page.locator(".turn").innerText());
  const uncited = await claims.evaluateAll((all) => all.filter((one) => !one.querySelector(".citation")).length);
  check(uncited === 0, `each sentence of ${name}'s answer has a citation`, answer);
  const status = await page.getByRole("status").innerText();
  check(/^Answer ready, \d+ sentences?, \d+ sources?$/.test(status), `a screen reader hears that ${name}'s answer is ready`, status);
  check(/^\/conversations\/[^/]+$/.test(new URL(page.url()).pathname), `${name}'s conversation has an address`, page.url());
  const path = new URL(page.url()).pathname;
  await judge("answered");

  await openSource(page, name, judge);
  await keyboard(page, name);
  await page.reload();
  await page.locator(".claim").first().waitFor();
  const recalled = (await claims.allInnerTexts()).join(" ");
  check(recalled === answer, `${name} finds the same answer after a reload`, recalled);
  if (withLooks) await quoted(page, path, judge);
  check(troubles.length === 0, `${name}'s browser reported no error and refused nothing`, troubles.join("\n"));
  return { name, page, answer, path, foreign };
}

/**
 * The same conversation as it looks where the language model had no part in its answers.
 * @param {import("playwright-core").Page} page @param {string} path @param {(state: string) => Promise<void>} judge
 */
async function quoted(page, path, judge) {
  const address = `${APPLIANCE}/api/v1${path}`;
  await page.route(address, async (route) => {
    const response = await route.fetch();
    const kept = await response.json();
    for (const message of kept.messages) Object.assign(message.answer, { mode: "extractive", because: "busy" });
    await route.fulfill({ response, json: kept });
  });
  await page.reload();
  await page.locator(".claim").first().waitFor();
  const note = await page.locator(".made").first().innerText();
  check(note === "Quoted from pages: the language model was busy.", "an answer made without the language model says so", note);
  await judge("quoted");
  await page.unroute(address);
  await page.reload();
  await page.locator(".claim").first().waitFor();
  check((await page.locator(".made").count()) === 0, "and one that the model wrote does not");
}

/** Waits, in the page, for the moment at which Send becomes Stop: a quick answer leaves it for milliseconds only. */
function sawStop() {
  return new Promise((resolve) => {
    const button = /** @type {Element} */ (document.querySelector(".send"));
    const watch = new MutationObserver(() => button.getAttribute("aria-label") === "Stop" && resolve(true));
    watch.observe(button, { attributeFilter: ["aria-label"] });
    setTimeout(() => resolve(false), 10_000);
  });
}

/**
 * The administrator sees how the source stands, can begin a sync, and sees nobody's conversation; others find no desk.
 * @param {{page: import("playwright-core").Page, path: string}} mateo @param {{page: import("playwright-core").Page}} mary
 */
async function administer(mateo, mary) {
  const refused = await mateo.page.request.get(`${APPLIANCE}/admin`);
  check(refused.status() === 404, "Mateo finds nothing at the administrator's address", String(refused.status()));

  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: DESK, locale: "en-GB", colorScheme: "light" });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  await page.goto(APPLIANCE);
  await signIn(page, "Ana");
  await cannotOpen("The administrator", { page }, mateo.path);
  await page.goto(`${APPLIANCE}/admin`);
  const rows = page.locator("#source-rows tr");
  await rows.first().waitFor();
  const row = await rows.first().innerText();
  check(/Succeeded|Incomplete|Running/.test(row), "the administrator sees how the source's sync stands", row);
  const desk = await page.locator("main").innerText();
  check(!desk.includes(TEAM), "the administrator's page holds no question", desk);
  await looks(page, "admin", true);
  await explain(page, mateo, mary);
  await lookInto(page, mateo);
  await page.goto(`${APPLIANCE}/admin`);
  await rows.first().waitFor();
  await page.getByRole("button", { name: /^Sync now/ }).first().click();
  await page.getByRole("status").filter({ hasText: "A sync of" }).waitFor();
  check((await page.locator("#trouble").innerText()) === "", "the administrator can begin a sync", await page.locator("#trouble").innerText());
  await context.close();
}

/**
 * The administrator asks why Mateo may open what his answer cites and Mary may not, and reads no title.
 * @param {import("playwright-core").Page} page @param {{page: import("playwright-core").Page, path: string}} mateo
 * @param {{page: import("playwright-core").Page}} mary
 */
async function explain(page, mateo, mary) {
  const nameOf = async (/** @type {{page: import("playwright-core").Page}} */ who) =>
    (await (await who.page.request.get(`${APPLIANCE}/api/v1/me`)).json()).user.user_name;
  const [his, hers] = [await nameOf(mateo), await nameOf(mary)];
  const kept = await (await mateo.page.request.get(`${APPLIANCE}/api/v1${mateo.path}`)).json();
  const source = kept.messages[0].answer.sources[0];
  await page.goto(APPLIANCE + "/admin");
  await page.getByRole("link", { name: "Who may read what" }).click();
  await page.locator("#user").fill(his);
  await page.getByRole("textbox", { name: "Which" }).fill(source.document_id);
  await page.getByRole("textbox", { name: /^Compare with/ }).fill(hers);
  await page.getByRole("button", { name: "Explain" }).click();
  await page.getByRole("heading", { name: `${his} may open ${source.document_id}.` }).waitFor();
  const words = await page.locator("#found").innerText();
  check(words.includes(`${hers} may not open ${source.document_id}.`), "the administrator reads why Mateo may open a page and Mary may not", words);
  check(!words.includes(source.title), "and does not read its title", words);
  await looks(page, "access", true);
  await wouldChange(page);
  for (const name of ["Exposure", "Use", "Support"]) {
    await page.getByRole("navigation", { name: "Administration" }).getByRole("link", { name, exact: true }).click();
    await page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
    await page.getByText("Loading").first().waitFor({ state: "detached" });
    check((await page.locator("#trouble").innerText()) === "", `the administrator reads ${name}`, await page.locator("#trouble").innerText());
    await looks(page, name.toLowerCase(), true);
  }
}

/** The administrator asks what would change, and nothing is changed. @param {import("playwright-core").Page} page */
async function wouldChange(page) {
  const form = page.locator("#what-if-form");
  await form.getByRole("combobox", { name: "If" }).selectOption("loses");
  await form.getByRole("textbox", { name: "Group of the source" }).fill("all-employees");
  await form.getByRole("textbox", { name: "Space (key)" }).fill("HR");
  await form.getByRole("button", { name: "Work it out" }).click();
  await page.locator("#what-if-found .verdict").waitFor();
  const words = await page.locator("#what-if-found").innerText();
  check(/would lose|Nothing would change/.test(words), "the administrator reads what would change", words);
}

/**
 * The administrator looks into a source: its runs, its connection, what it would give, its settings, and two pages, of which
 * they may read one.
 * @param {import("playwright-core").Page} page @param {{page: import("playwright-core").Page, path: string}} mateo
 */
async function lookInto(page, mateo) {
  const troubles = watchTroubles(page);
  await page.goto(`${APPLIANCE}/admin`);
  await page.locator("#source-rows th a").first().click();
  await page.locator("#run-rows tr").first().waitFor();
  await page.locator("#run-rows .more").first().click();
  const run = await page.locator(".run-more").first().innerText();
  check(/documents? seen/.test(run), "the administrator reads what a run did", run);
  await page.getByRole("button", { name: "Test the connection" }).click();
  await page.locator("#checked .verdict").waitFor();
  const rights = await page.locator("#checked").innerText();
  check(/Everything a sync needs is there/.test(rights), "the connection is tested right by right", rights);
  await page.getByRole("button", { name: "Count" }).click();
  await page.locator("#counted table").waitFor();
  check((await page.locator("#counted tbody tr").count()) > 1, "each space is counted");
  const settings = await page.locator("#parts").innerText();
  check(/sotto-crawler/.test(settings) && /removal_guard_percent/.test(settings), "the settings stand there in words", settings);

  const kept = await (await mateo.page.request.get(`${APPLIANCE}/api/v1${mateo.path}`)).json();
  const hidden = kept.messages[0].answer.sources[0];
  const test = async (/** @type {string} */ address) => {
    await page.locator("#page-address").fill(address);
    await page.keyboard.press("Enter");
    await page.locator("#tested[aria-busy]").waitFor({ state: "attached" }).catch(() => {});
    await page.locator("#tested:not([aria-busy]) .verdict").first().waitFor();
    return page.locator("#tested").innerText();
  };
  const counts = await test(hidden.document_id);
  check(/You may not read this page/.test(counts) && !counts.includes(hidden.title), "of a page that the administrator may not read no title is shown", counts);
  await looks(page, "source-hidden", false);
  const wiki = new URL(await page.locator("#address").innerText());
  const words = await test(`${wiki.origin}/display/HR/Leave+and+public+holidays`);
  check(/You may read this page/.test(words) && (await page.locator(".kept-page").count()) === 1, "a page that they may read is shown", words);
  await looks(page, "source", true);

  await page.locator("#mode").selectOption("full");
  await page.getByRole("button", { name: "Sync now" }).click();
  await page.getByRole("status").filter({ hasText: /A sync of|Connecting|Listing|Text|ended/ }).waitFor();
  const whole = page.locator("#run-rows tr").filter({ hasText: "everything" }).first();
  await whole.waitFor();
  check(/Running|Succeeded/.test(await whole.innerText()), "the administrator begins a sync that reads everything", await whole.innerText());
  check(troubles.length === 0, "the source's page reported no error and refused nothing", troubles.join("\n"));
}

/** @param {import("playwright-core").Page} page @param {string} name @param {(state: string) => Promise<void>} judge */
async function openSource(page, name, judge) {
  const citation = page.locator(".citation").first();
  const label = await citation.getAttribute("aria-label");
  check(/^Source \d+: ./.test(label ?? ""), `${name}'s first citation names its source`, label ?? "");
  await citation.focus();
  await page.keyboard.press("Enter");
  const mark = page.locator("#panel mark").first();
  await mark.waitFor();
  check((await mark.innerText()).trim().length > 0, `the source panel marks the quoted words for ${name}`);
  check(await page.evaluate(() => document.activeElement?.tagName === "MARK"), `the focus moves to the quoted words for ${name}`);
  const panel = await page.locator("#panel").innerText();
  check(/Permissions checked/.test(panel), `${name}'s source says when its permissions were checked`, panel);
  const rel = await page.locator("#panel a[target=_blank]").first().getAttribute("rel");
  check(rel === "noopener noreferrer", "the original opens without a way back to the appliance", rel ?? "");
  await judge("sources");

  await page.locator("#panel").getByRole("button", { name: /^Why can I see this/ }).first().click();
  const proof = await page.getByRole("dialog", { name: "Why you can see this" }).innerText();
  check(/may be viewed/.test(proof), `${name} reads why they can see the source`, proof);
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });

  await page.locator("#panel").getByRole("button", { name: /^Read page/ }).first().click();
  await page.locator("dialog .prose").waitFor();
  check((await page.locator("dialog .prose mark").count()) > 0, `the reader marks the quoted words in the whole page for ${name}`);
  await judge("reader");
  await page.keyboard.press("Escape");
  await page.locator("dialog").waitFor({ state: "detached" });
  await page.keyboard.press("Escape");
  await page.locator("#panel").waitFor({ state: "hidden" });
  const back = await page.evaluate(() => document.activeElement?.className);
  check(back === "citation", `Escape closes the panel and gives the focus back to the citation for ${name}`, back ?? "");
}

/** @param {import("playwright-core").Page} page @param {string} name */
async function keyboard(page, name) {
  const focused = () => page.evaluate(() => document.activeElement?.id || document.activeElement?.className || "");
  await page.keyboard.press("Shift+Escape");
  check((await focused()) === "question", "Shift+Escape goes to the question box", await focused());
  await page.keyboard.press("Control+k");
  check((await focused()) === "find", "Ctrl+K goes to the search", await focused());
  await page.keyboard.type("no title has these words");
  await page.locator(".listing-note").waitFor();
  await page.keyboard.press("Escape");
  const listed = await page.locator(".listed-link").allInnerTexts();
  check(listed.includes(TEAM), `${name}'s conversation is in the list`, listed.join(" | "));
  await page.keyboard.press("Alt+ArrowUp");
  check((await focused()).includes("answer-head"), "Alt+Up goes to the last answer", await focused());
  await page.keyboard.press("Control+/");
  await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  check(true, "Ctrl+/ lists the shortcuts and Escape closes the list");
}

/** @param {string} name @param {{page: import("playwright-core").Page}} who @param {string} path another person's conversation */
async function cannotOpen(name, { page }, path) {
  await page.goto(APPLIANCE + path);
  await page.locator("#not-found").waitFor();
  const words = await page.locator("main").innerText();
  check(!words.includes(TEAM), `${name} cannot open another person's conversation`, words);
}

/** @param {string} name @param {{page: import("playwright-core").Page}} who */
async function signOut(name, { page }) {
  await page.goto(APPLIANCE);
  await page.locator(".greeting").waitFor();
  await page.locator("#account summary").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL((url) => url.pathname !== "/" || url.origin !== APPLIANCE);
  await page.goto(APPLIANCE);
  await page.waitForURL(/\/sign-in/);
  check(true, `${name} signs out and is asked to sign in again`);
}

/** Errors of scripts and refusals of the page's policy. @param {import("playwright-core").Page} page */
function watchTroubles(page) {
  /** @type {string[]} */
  const troubles = [];
  page.on("pageerror", (error) => troubles.push(error.message));
  page.on("console", (line) => {
    // A 401 is how the page learns that nobody is signed in.
    if (line.type() === "error" && !/status of 401/.test(line.text())) troubles.push(line.text());
  });
  return troubles;
}

/** Requests to anybody else. @param {import("playwright-core").BrowserContext} context */
function watchOrigins(context) {
  let provider = "";
  /** @type {string[]} */
  const foreign = [];
  context.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol === "data:" || url.origin === APPLIANCE) return;
    // The first address outside the appliance that a press on the provider's button leads to is the provider's.
    if (!provider && request.isNavigationRequest()) provider = url.origin;
    if (url.origin !== provider) foreign.push(request.url());
  });
  return foreign;
}
