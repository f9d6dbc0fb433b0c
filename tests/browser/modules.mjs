// Tests the page's modules one by one in a real browser, under the page's own policy and without an appliance.
// Run by `node modules.mjs`; SOTTO_CHROMIUM names another browser than /usr/bin/chromium. Exits 0 or 1.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join, normalize } from "node:path";
import { chromium } from "playwright-core";

const STATIC = new URL("../../static/", import.meta.url).pathname;
const POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'";
const BLANK = "<!doctype html><html lang='en'><title>Blank</title><div id='status'></div></html>";

const server = createServer((request, response) => {
  const path = normalize(new URL(request.url ?? "/", "http://localhost").pathname);
  response.setHeader("Content-Security-Policy", POLICY);
  if (path.endsWith(".js")) response.setHeader("Content-Type", "text/javascript").end(readFileSync(join(STATIC, path)));
  else response.setHeader("Content-Type", "text/html").end(BLANK);
});
await new Promise((ready) => server.listen(0, "127.0.0.1", () => ready(null)));
const origin = `http://127.0.0.1:${/** @type {any} */ (server.address()).port}`;
const browser = await chromium.launch({
  executablePath: process.env.SOTTO_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});

/**
 * Each runs in the browser with the modules it names and gives what it found; beside it stands what must be found.
 * @type {[sentence: string, expected: any, run: (load: (name: string) => Promise<any>) => Promise<any>][]}
 */
const CASES = [
  ["a quote is marked by its UTF-16 range, behind an emoji too", ["🎉 ", "MARK:Mary leads", "."], async (load) => {
    const { marked } = await load("quotes.js");
    return marked("🎉 Mary leads.", [[3, 13]]).map((node) => (typeof node === "string" ? node : `${node.tagName}:${node.textContent}`));
  }],
  ["a range that does not fit the text is left out, never stretched", ["Mary"], async (load) => {
    const { marked } = await load("quotes.js");
    return marked("Mary", [[2, 9], [3, 3], [-1, 2]]).map((node) => (typeof node === "string" ? node : `${node.tagName}:${node.textContent}`));
  }],
  ["ranges that overlap mark each letter once", "abcdef", async (load) => {
    const { marked } = await load("quotes.js");
    return marked("abcdef", [[0, 3], [2, 5]]).map((node) => node.textContent ?? node).join("");
  }],
  ["a quote over two lines is found in two blocks", [[[4, 9]], [[0, 6]]], async (load) => {
    const { found } = await load("quotes.js");
    return [found("One line.", ["line.\nSecond"]), found("Second one", ["line.\nSecond"])];
  }],
  ["a row that is quoted is marked cell by cell", ["Richard Roe", "Data engineer"], async (load) => {
    const { drawBlocks } = await load("blocks.js");
    const table = { block: "table", header: ["Name", "Role", "City"], rows: [["Richard Roe", "Data engineer", "Lisbon"], ["Mary Major", "Lead", "Seattle"]] };
    const [node] = drawBlocks([table], ["Name: Richard Roe; Role: Data engineer"]);
    return [...node.querySelectorAll("mark")].map((mark) => mark.textContent);
  }],
  ["items become nested lists", "<ol><li>a<ul><li>b</li></ul></li><li>c</li></ol>", async (load) => {
    const { drawBlocks } = await load("blocks.js");
    const item = (depth, number, text) => ({ block: "item", depth, number, done: null, text });
    const [list] = drawBlocks([item(0, 1, "a"), item(1, null, "b"), item(0, 2, "c")], []);
    return list.outerHTML.replaceAll(' dir="auto"', "");
  }],
  ["markup in a page stays words", ["<img src=x onerror=alert(1)>", 0], async (load) => {
    const { drawBlocks } = await load("blocks.js");
    const [node] = drawBlocks([{ block: "paragraph", text: "<img src=x onerror=alert(1)>" }], []);
    return [node.textContent, node.childElementCount];
  }],
  ["a leaf of the audit log is proved in the browser, and another line, place or hash is not", [true, true, false, false, false], async (load) => {
    const { isIn } = await load("leaf.js");
    const bytes = (text) => Uint8Array.from(text.match(/../g), (two) => Number.parseInt(two, 16));
    const hex = (all) => [...new Uint8Array(all)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const sha = async (...parts) => hex(await crypto.subtle.digest("SHA-256", new Uint8Array(parts.flatMap((part) => [...part]))));
    const leaf = (line) => sha([0], new TextEncoder().encode(line));
    const node = (left, right) => sha([1], bytes(left), bytes(right));
    // RFC 6962, section 2.1.3: three leaves.
    const [a, b, c] = await Promise.all(["a", "b", "c"].map(leaf));
    const ab = await node(a, b);
    const root = await node(ab, c);
    return Promise.all([isIn("a", 0, 3, [b, c], root), isIn("c", 2, 3, [ab], root), isIn("x", 0, 3, [b, c], root), isIn("a", 1, 3, [b, c], root), isIn("a", 0, 3, [b], root)]);
  }],
  ["an address that is no web address leads nowhere", [null, null, null, "https://wiki.example/x"], async (load) => {
    const { outward } = await load("dom.js");
    return [outward("javascript:alert(1)"), outward("data:text/html,x"), outward(""), outward("https://wiki.example/x")];
  }],
  ["a sentence without a citation is drawn as withheld", ["claim is-withheld", 0, 2], async (load) => {
    const { claim } = await load("claims.js");
    const lost = claim({ text: "No longer shown.", citations: [] }, () => undefined, () => {});
    const kept = claim({ text: "Shown.", citations: [1, 2] }, () => undefined, () => {});
    return [lost.className, lost.querySelectorAll("button").length, kept.querySelectorAll("button").length];
  }],
  ["an answer made without the language model says so above its first sentence, to a screen reader too, and where it is copied", ["Quoted from pages: the language model was busy.", "P.made OL.claims", "Answer ready, 1 sentence, 0 sources. Quoted from pages: the language model was busy.", true, 0], async (load) => {
    const { turn } = await load("turn.js");
    const { footnoted } = await load("copy.js");
    const whole = { message_id: "m", outcome: "answered", mode: "extractive", because: "busy", claims: [{ text: "Shown.", citations: [1] }], withheld: 0, sources: [], related: [], follow_ups: [] };
    const drawn = turn("Who?", { insert: () => {}, again: () => {}, isKept: true });
    document.body.append(drawn.node);
    drawn.begin();
    drawn.tell({ name: "mode", body: { mode: "extractive", because: "busy" } });
    drawn.tell({ name: "claim", body: whole.claims[0] });
    const early = drawn.node.querySelector(".made").nextElementSibling.querySelectorAll(".claim").length;
    drawn.end(whole);
    const made = drawn.node.querySelectorAll(".made");
    const order = [made[0], made[0].nextElementSibling].map((node) => `${node.tagName}.${node.classList[0]}`).join(" ");
    const plain = turn("Who?", { insert: () => {}, again: () => {}, isKept: true });
    plain.end({ ...whole, mode: "written", because: undefined });
    return [made[0].textContent, order, document.querySelector("#status").textContent, early === 1 && made.length === 1 && footnoted("Who?", whole).includes(made[0].textContent), plain.node.querySelectorAll(".made").length];
  }],
  ["an event stream is read whole, however its bytes are cut", [["started", "c1"], ["claim", "Zoë 🎉 leads."]], async (load) => {
    const { ask } = await load("api.js");
    const bytes = new TextEncoder().encode(': hello\n\nevent: started\ndata: {"text":"c1"}\r\n\r\nevent: claim\ndata: {"text":\ndata: "Zoë 🎉 leads."}\n\n');
    const cut = new ReadableStream({
      start(to) {
        for (const byte of bytes) to.enqueue(Uint8Array.of(byte));
        to.close();
      },
    });
    window.fetch = async () => new Response(cut);
    const events = [];
    for await (const event of ask({ question: "Who?" }, new AbortController().signal)) events.push([event.name, event.body.text]);
    return events;
  }],
  ["an error in the stream is thrown with the request's id, as a sentence", ["Something went wrong here.", 500, "r1"], async (load) => {
    const { ask } = await load("api.js");
    window.fetch = async () => new Response('event: error\ndata: {"status":500,"detail":"something went wrong here","request_id":"r1"}\n\n');
    try {
      for await (const event of ask({ question: "Who?" }, new AbortController().signal)) return event;
    } catch (problem) {
      return [problem.message, problem.status, problem.requestId];
    }
  }],
  ["a changing request carries the header that other sites cannot send", ["1", "DELETE"], async (load) => {
    const { remove } = await load("api.js");
    const sent = [];
    window.fetch = async (_path, options) => {
      sent.push(new Headers(options.headers).get("X-Sotto"), options.method);
      return new Response(null, { status: 204 });
    };
    await remove("c1");
    return sent;
  }],
  ["conversations stand under the day they were changed", ["Today", "Yesterday", "Last seven days", "Earlier", "Earlier"], async (load) => {
    const { heading } = await load("when.js");
    const now = new Date(2026, 10, 24, 0, 30);
    const at = (...date) => new Date(...date).toISOString();
    return [at(2026, 10, 24, 0, 10), at(2026, 10, 23, 23, 50), at(2026, 10, 18), at(2026, 9, 1), "nonsense"].map((moment) => heading(moment, now));
  }],
  ["a copied answer names its sources", "Who?\n\nMary leads.[1]\n\n[1] Team (ACME, 3 Nov 2026) https://wiki.example/1", async (load) => {
    const { footnoted } = await load("copy.js");
    const source = { number: 1, title: "Team", space: { key: "A", name: "ACME" }, url: "https://wiki.example/1", updated_at: "2026-11-03T12:00:00Z" };
    return footnoted("Who?", { claims: [{ text: "Mary leads.", citations: [1] }], sources: [source] });
  }],
  ["a proof is drawn step by step, with each way, what learned it and what would be lost", [["may not open w:1.", "may open w:1."], ["Yes", "No", "Unknown"], "or", 1, 2, "Both differ."], async (load) => {
    const { drawAccess } = await load("proof.js");
    const fact = (text, needed, learned = null) => ({ fact: "named", text, needed, learned });
    const step = (state, ways = []) => ({ step: "space", of: "S", state, text: state, learned: null, ways, more_ways: 0 });
    const sync = { source: "w", number: 7, began_at: "2026-11-03T12:00:00Z" };
    const ways = [[fact("a", true, sync), fact("b", false)], [fact("c", false)]];
    const people = [
      { summary: "may not open w:1.", steps: [step("met"), step("failed"), step("unknown")] },
      { summary: "may open w:1.", steps: [step("met", ways)] },
    ];
    const page = document.createElement("div");
    page.append(...drawAccess({ at: "2026-11-03T12:00:00Z", document_id: "w:1", permissions_as_of: null, people, differences: [{ texts: ["Both differ."] }] }));
    const texts = (selector) => [...page.querySelectorAll(selector)].map((node) => node.textContent);
    const lost = texts("li").filter((text) => text.startsWith("a ") && text.includes("sync 7") && text.includes("lost without it"));
    return [texts("h2").slice(1), texts(".state").slice(0, 3), texts(".way > p").join(), lost.length, page.querySelectorAll(".way").length, texts(".prose li").join()];
  }],
];

let failed = 0;
const page = await browser.newPage({ locale: "en-GB" });
for (const [sentence, expected, run] of CASES) {
  // Each begins on a fresh page: what one replaces, the next finds as it was.
  await page.goto(origin);
  const found = await page
    .evaluate(`(${run})((name) => import("${origin}/js/" + name))`)
    .catch((/** @type {Error} */ cause) => `thrown: ${cause.message}`);
  const holds = JSON.stringify(found) === JSON.stringify(expected);
  if (!holds) failed += 1;
  console.log(`${holds ? "ok  " : "FAIL"} ${sentence}${holds ? "" : `\n     found:    ${JSON.stringify(found)}\n     expected: ${JSON.stringify(expected)}`}`);
}
await browser.close();
server.close();
console.log(`${CASES.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
