// Drives the playground in a real browser, one scenario a call: node playground.mjs SCENARIO CONFIG
//
// CONFIG is JSON: {link, address, token, shots, chromium, modules}. Where a scenario needs the server
// restarted it prints `restart` or `restart-other-token`, where it needs an editor with a folder,
// `open-folder`, where a file of it should change, `edit-folder`, and waits for a line on stdin: the login link. Exit code 0: everything held.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

const [scenario, json] = process.argv.slice(2);
const config = JSON.parse(json);
const { chromium } = createRequire(config.modules)("playwright-core");

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const MODEL_MS = 120_000; // The model is loaded and answers, on a busy machine.
const PAGE_MS = 20_000;
const ASK = "textDocument/inlineCompletion";
const START = "def fibonacci(n):\n    ";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function ask(question) {
  console.log(question);
  return (await lines.next()).value;
}

/** What a page did: frames it sent, requests it made, and what it complained of. */
function watch(page) {
  const seen = { frames: [], hosts: new Set(), complaints: [] };
  page.on("websocket", (socket) =>
    socket.on("framesent", ({ payload }) => seen.frames.push(JSON.parse(payload))),
  );
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (!["data:", "blob:"].includes(url.protocol)) seen.hosts.add(url.host);
  });
  page.on("pageerror", (error) => seen.complaints.push(String(error)));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()))
      seen.complaints.push(`${message.text()} ${message.location().url}`);
  });
  return seen;
}

const questions = (seen) => seen.frames.filter(({ method }) => method === ASK).length;
const ghost = (page) => page.locator(".cm-ghost");
const ghostText = async (page) => ((await ghost(page).count()) > 0 ? ghost(page).innerText() : null);

/** A picture with the cursor in it: blinking would make that a matter of luck. */
function shoot(page, name) {
  const style = ".cm-cursorLayer { animation: none !important }";
  return page.screenshot({ path: join(config.shots, `${name}.png`), style });
}

/** The document as the editor has it: lines without the ghost text. */
function documentText(page) {
  return page.evaluate(() =>
    [...document.querySelectorAll(".cm-line")]
      .map((line) => {
        const copy = line.cloneNode(true);
        copy.querySelectorAll(".cm-ghost, .cm-placeholder").forEach((ghost) => ghost.remove());
        return copy.textContent;
      })
      .join("\n"),
  );
}

async function until(page, what, condition, timeout = PAGE_MS) {
  const end = Date.now() + timeout;
  for (;;) {
    if (await condition()) return;
    if (Date.now() > end) {
      await shoot(page, `failed-${scenario}`);
      assert.fail(`Waited in vain for: ${what}`);
    }
    await page.waitForTimeout(50);
  }
}

const untilReady = (page) =>
  page.locator("#state[data-tone=good]", { hasText: "Ready" }).waitFor({ timeout: MODEL_MS });

const untilAnswered = (page) =>
  until(
    page,
    "the whole answer",
    async () => /^(Ended|Completed)/.test(await page.locator("#last").innerText()),
    MODEL_MS,
  );

async function emptyFile(page) {
  await page.getByText("Empty file").click();
  await page.locator(".cm-placeholder").waitFor();
  await page.locator(".cm-content").click();
}

/** Types the beginning of a function and waits for all of its ghost text. */
async function untilGhost(page) {
  await page.keyboard.type(START);
  await ghost(page).waitFor({ timeout: MODEL_MS });
  await untilAnswered(page);
  const text = await ghostText(page);
  assert.ok(text !== null && text.trim().length > 3, "ghost text of the model");
  return text;
}

/** The picture of the documentation shows a cache in use: some keys at a person's pace. */
async function typeForThePicture(page) {
  await page.keyboard.press("Escape");
  for (const key of "counts = Counter()\n") {
    await page.keyboard.type(key);
    await page.waitForTimeout(400);
  }
  await ghost(page).waitFor({ timeout: MODEL_MS });
  await untilAnswered(page);
}

async function themed(page, name) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await shoot(page, `${name}-${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: "light" });
}

async function assertFits(page, width) {
  await page.setViewportSize({ width, height: 800 });
  const widest = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(widest <= width, `the page is ${widest} px wide in a window of ${width} px`);
}

const scenarios = {
  /** The one-time link, then what the issue asks for: type, see, accept; with pictures. */
  async first(page, seen) {
    await page.goto(config.link);
    await page.locator(".cm-content").waitFor();
    assert.equal(new URL(page.url()).pathname, "/");
    assert.equal(await page.locator("#last").innerText(), "No completion yet: type something.");
    await untilReady(page);
    await emptyFile(page);
    const text = await untilGhost(page);
    assert.equal(await documentText(page), START, "spaces typed for the indentation are not added to it");
    for (const id of ["first", "total", "kept", "encoded", "generated", "rate"]) {
      assert.match(await page.locator(`#${id}`).innerText(), /^[\d.,]+$/, `the panel's ${id}`);
    }
    assert.equal(await page.locator("#model").innerText(), config.model);
    assert.equal(await page.locator("#actions").getAttribute("data-shown"), "true");
    await themed(page, "fibonacci-1280");
    await assertFits(page, 400);
    await themed(page, "fibonacci-400");
    await assertFits(page, 1280);

    const before = questions(seen);
    await page.keyboard.press("Control+ArrowRight");
    const word = (await documentText(page)).slice(START.length);
    assert.ok(
      word !== "" && text.startsWith(word) && word.length < text.length,
      `one word: ${JSON.stringify(word)}`,
    );
    assert.equal(await ghostText(page), text.slice(word.length));
    assert.equal(questions(seen), before, "a word is accepted without a question");
    await page.keyboard.press("Tab");
    assert.equal(await documentText(page), START + text);
    await until(page, "the next question", () => questions(seen) > before);
    const accepts = () => seen.frames.filter(({ method }) => method === "workspace/executeCommand");
    await until(page, "the item's command", () => accepts().length === 1);

    // Asked for by key, in the middle of a sample.
    await page.getByText("Sample", { exact: true }).click();
    await until(page, "the sample", async () => (await documentText(page)).includes("def count_words"));
    await page.locator(".cm-content").focus();
    const asked = Number(await page.locator("#asked").innerText());
    await page.keyboard.press("Alt+\\");
    await until(page, "a question", async () => Number(await page.locator("#asked").innerText()) > asked);
    await ghost(page).waitFor({ timeout: MODEL_MS });
    await untilAnswered(page);
    if (config.images) await typeForThePicture(page);
    await themed(page, "playground");
  },

  /** Along the ghost text and back: nothing is asked. Esc takes it away. */
  async along(page, seen) {
    await signIn(page);
    await emptyFile(page);
    const text = await untilGhost(page);
    const before = questions(seen);
    const along = text.slice(0, 3);
    for (let typed = 1; typed <= along.length; typed++) {
      await page.keyboard.type(along[typed - 1]);
      assert.equal(await ghostText(page), text.slice(typed));
    }
    assert.equal(await documentText(page), START + along);
    await until(page, "the text to be streamed", () => {
      const last = seen.frames.at(-1);
      return (
        last.method === "textDocument/didChange" && last.params.contentChanges[0].text.endsWith(START + along)
      );
    });
    for (let left = along.length - 1; left >= 0; left--) {
      await page.keyboard.press("Backspace");
      assert.equal(await ghostText(page), text.slice(left));
    }
    assert.equal(questions(seen), before, "typing along and back asks nothing");
    await page.keyboard.press("Escape");
    assert.equal(await ghostText(page), null);
    assert.equal(await documentText(page), START);
    assert.equal(questions(seen), before, "a dismissal asks nothing");
  },

  /** Everything without a mouse. */
  async keyboard(page) {
    await signIn(page);
    const focused = () =>
      page.evaluate(() => document.activeElement?.id || document.activeElement?.className);
    // It gets the focus with its sample, which the server's "Ready" does not wait for.
    await until(page, "the editor to have the focus at first", async () =>
      /cm-content/.test(await focused()),
    );
    await page.keyboard.press("Control+Home");
    await page.keyboard.press("Tab");
    assert.match(await documentText(page), /^ {4}"""/, "Tab indents where no ghost text is shown");
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Shift+Tab");
    assert.doesNotMatch(await focused(), /cm-content/, "Esc, then Tab leaves the editor");

    await page.locator("#skip").focus();
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "language");
    await page.keyboard.press("ArrowDown");
    await until(page, "the next language", async () => (await documentText(page)).includes("class EventBus"));
    await page.keyboard.press("Tab");
    await page.keyboard.press("ArrowRight");
    await page.locator(".cm-placeholder").waitFor();
    await page.locator("#skip").focus();
    await page.keyboard.press("Enter");
    assert.match(await focused(), /cm-content/, "the skip link leads to the editor");
    await page.keyboard.type("let x = 1");
    await page.keyboard.press("F1");
    await page.locator("#keys[open]").waitFor();
    await shoot(page, "keys");
    await page.keyboard.press("Escape");
    await page.locator("#keys:not([open])").waitFor({ state: "attached" });
    assert.match(await focused(), /cm-content/, "the focus returns to the editor");

    await page.locator("#theme").focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
    await page.reload();
    await page.locator(".cm-content").waitFor();
    assert.equal(await page.locator("html").getAttribute("data-theme"), "dark", "the theme is remembered");
    assert.equal(await page.locator("#language").inputValue(), "typescript", "the language is remembered");
  },

  /** Every language opens with colours; nothing foreign is loaded; an idle page sleeps. */
  async samples(page) {
    await page.addInitScript(() => {
      const { setTimeout, setInterval, requestAnimationFrame } = window;
      window.wakes = 0;
      const counted =
        (start) =>
        (act, ...rest) =>
          start.call(window, (...given) => (window.wakes++, act(...given)), ...rest);
      window.setTimeout = counted(setTimeout);
      window.setInterval = counted(setInterval);
      window.requestAnimationFrame = counted(requestAnimationFrame);
    });
    await signIn(page);
    await untilReady(page);
    const choices = await page
      .locator("#language option")
      .evaluateAll((options) => options.map(({ value }) => value));
    assert.ok(choices.length >= 14, `${choices.length} languages`);
    let previous = "";
    for (const choice of choices) {
      await page.locator("#language").selectOption(choice);
      await until(page, `the sample of ${choice}`, async () => {
        const text = await documentText(page);
        const coloured = await page.locator(".cm-line span[class]").count();
        return text !== previous && text.length > 100 && coloured > 5;
      });
      previous = await documentText(page);
      if (["rust", "html"].includes(choice)) await shoot(page, `sample-${choice}`);
    }
    await page.waitForTimeout(1_500);
    const before = await page.evaluate(() => window.wakes);
    await page.waitForTimeout(3_000);
    const wakes = (await page.evaluate(() => window.wakes)) - before;
    assert.ok(wakes <= 3, `${wakes} wakes in three idle seconds`);
  },

  /** Searching a folder that an editor opens while the page is looked at: by keyboard, with pictures. */
  async search(page, seen) {
    const searches = [];
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (url.pathname === "/search") searches.push(url.searchParams.get("q"));
    });
    const said = (pattern) =>
      until(page, `the search to say ${pattern}`, async () =>
        pattern.test(await page.locator("#search-said").innerText()),
      );
    const focused = () =>
      page.evaluate(() => document.activeElement?.id || document.activeElement?.className);
    await signIn(page);
    await untilReady(page);
    await page.locator("#tab-completion").focus();
    await page.keyboard.press("ArrowRight");
    assert.equal(await focused(), "tab-search", "arrows lead from tab to tab");
    assert.equal(await page.locator("#pane-completion").isVisible(), false);
    await said(/^No folder is open\. /);
    await shoot(page, "search-no-folder");
    await ask("open-folder");
    await said(/^Searches 4 files of shop\.$/);

    await page.locator("#search-box").focus();
    await page.keyboard.type("cart total", { delay: 20 });
    await said(/^\d+ results? in shop\.$/);
    assert.deepEqual(searches, ["cart total"], "one question for one pause");
    const first = page.locator(".hit").first();
    assert.equal(await first.locator(".hit-path").innerText(), "shop/cart.py");
    assert.match(await first.locator(".hit-lines").innerText(), /^\d+–\d+$/);
    assert.match(await first.locator(".hit-text").innerText(), /def total/);
    assert.match(await first.locator(".hit-scores").innerText(), /lexical 0\.\d{4}/);
    await themed(page, "search-1280");
    await assertFits(page, 400);
    await page.locator("#tab-search").scrollIntoViewIfNeeded();
    await page.locator("#desk .panel").evaluate((panel) => panel.scrollIntoView());
    await themed(page, "search-400");

    await page.locator("#search-box").focus();
    await page.keyboard.press("ArrowDown");
    assert.equal(await focused(), "hit", "Arrow down leads to the results");
    await page.keyboard.press("Enter");
    await page.locator("#piece[open]").waitFor();
    assert.match(await page.locator("#piece-text").innerText(), /def total\(self/);
    assert.match(await page.locator("#piece-numbers").innerText(), /^\d+\n\d+/);
    assert.equal(await page.locator("#piece [contenteditable], #piece textarea").count(), 0, "read-only");
    await themed(page, "piece-400");
    await assertFits(page, 1280);
    await themed(page, "piece-1280");
    await page.keyboard.press("Escape");
    await page.locator("#piece:not([open])").waitFor({ state: "attached" });
    assert.equal(await focused(), "hit", "the focus returns to the result");
    await page.keyboard.press("Escape");
    assert.equal(await focused(), "search-box");

    await page.locator("#search-box").fill("onerror banner");
    await said(/^\d+ results? in shop\.$/);
    assert.match(await page.locator(".hit-text").first().innerText(), /<img src=x onerror=/);
    assert.equal(await page.locator("#hits img").count(), 0, "what a file says is only text");
    await page.locator("#search-box").fill("zyxwvut");
    await said(/^Nothing in shop fits “zyxwvut”\.$/);
    await shoot(page, "search-nothing");
    assert.ok(!questions(seen), "searching asks for no completion");
  },

  /** A summary: written, cancelled, known again, out of date; by keyboard, with pictures. */
  async summary(page) {
    const said = (pattern, timeout) =>
      until(
        page,
        `the summary to say ${pattern}`,
        async () => pattern.test(await page.locator("#summary-said").innerText()),
        timeout,
      );
    const text = () => page.locator("#summary-text").innerText();
    const focused = () => page.evaluate(() => document.activeElement?.id);
    await signIn(page);
    await untilReady(page);
    await page.locator("#tab-summary").click();
    await ask("open-folder");
    await until(page, "the folder", async () => {
      await page.locator("#tab-completion").click();
      await page.locator("#tab-summary").click();
      return (await page.locator(`#summary-folder option[value="${config.folder}"]`).count()) === 1;
    });
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "summary-folder");
    await page.locator("#summary-folder").selectOption(config.folder);
    await page.locator("#summary-level").selectOption("function");
    await page.locator("#summary-start").click();
    await said(/^Name the file/);
    await page.locator("#summary-path").fill("shop/cart.py");
    await page.locator("#summary-symbol").fill("Cart.total");

    await page.keyboard.press("Enter");
    await page.locator("#summary-cancel").waitFor();
    await until(page, "some text", async () => (await text()).length > 0, MODEL_MS);
    await page.locator("#summary-cancel").click();
    await said(/^Cancelled\.$/);
    assert.equal(await focused(), "summary-start", "the focus goes on to the other button");

    await page.keyboard.press("Enter");
    assert.equal(await focused(), "summary-cancel");
    await said(/^Written for the code as it is now\.$/, MODEL_MS);
    const written = await text();
    assert.ok(written.length > 20, written);
    assert.equal(await page.locator("#summary-badge").innerText(), "new");
    await themed(page, "summary-1280");
    await assertFits(page, 400);
    await page.locator("#desk .panel").evaluate((panel) => panel.scrollIntoView());
    await themed(page, "summary-400");
    await assertFits(page, 1280);

    await page.locator("#summary-level").selectOption("class");
    await until(page, "no text of another level", async () => (await text()) === "");
    await page.locator("#summary-level").selectOption("function");
    await said(/^Made before, and nothing has changed since\.$/);
    assert.equal(await text(), written);
    assert.equal(await page.locator("#summary-badge").innerText(), "cached");
    await ask("edit-folder");
    await page.locator("#summary-level").selectOption("file");
    await page.locator("#summary-level").selectOption("function");
    await said(/^Made before; the code, .* has changed since\.$/);
    assert.equal(await page.locator("#summary-badge").innerText(), "stale");
    await shoot(page, "summary-stale");
  },

  /** The server goes and comes back: the page follows, and no text is lost. */
  async restart(page, seen) {
    await signIn(page);
    await untilReady(page);
    await emptyFile(page);
    await page.keyboard.type("# one\n");
    const restarted = ask("restart");
    await page.locator("#state[data-tone=bad]", { hasText: "Disconnected" }).waitFor({ timeout: PAGE_MS });
    await page.locator("#notice", { hasText: "You can go on typing." }).waitFor();
    await page.keyboard.type("# two\n");
    await shoot(page, "disconnected");
    await restarted;
    await page.locator("#state[data-tone=good], #state[data-tone=busy]").waitFor({ timeout: PAGE_MS });
    await until(page, "the document to be opened again", () => {
      const opened = seen.frames.findLast(({ method }) => method === "textDocument/didOpen");
      return opened.params.textDocument.text.includes("# one\n# two\n");
    });
    await shoot(page, "reconnected");
    await untilGhost(page);
    assert.ok((await documentText(page)).startsWith("# one\n# two\n"));

    const link = await ask("restart-other-token");
    await page.locator("#state", { hasText: "No access" }).waitFor({ timeout: PAGE_MS });
    await page.locator("#notice", { hasText: "Open the link" }).waitFor();
    await shoot(page, "no-access");
    const other = await page.context().newPage();
    await other.goto(link);
    await other.locator(".cm-content").waitFor();
    await other.close();
    await page.bringToFront();
    const retry = page.locator("#retry");
    if (await retry.isVisible()) await retry.click();
    await page.locator("#state[data-tone=good], #state[data-tone=busy]").waitFor({ timeout: PAGE_MS });
  },
};

/** As the link does, for the scenarios that come after the link was used. */
async function signIn(page) {
  const cookie = {
    name: "splice_token",
    value: config.token,
    url: config.address,
    httpOnly: true,
    sameSite: "Strict",
  };
  await page.context().addCookies([cookie]);
  await page.goto(config.address);
  await page.locator(".cm-line").first().waitFor();
}

const browser = await chromium.launch({
  executablePath: config.chromium,
  args: FLAGS,
});
try {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    colorScheme: "light",
  });
  context.setDefaultTimeout(PAGE_MS);
  const page = await context.newPage();
  const seen = watch(page);
  try {
    await scenarios[scenario](page, seen);
  } catch (error) {
    await shoot(page, `failed-${scenario}`);
    throw error;
  }
  assert.deepEqual([...seen.hosts], [new URL(config.address).host], "nothing foreign is asked for");
  if (scenario !== "restart") assert.deepEqual(seen.complaints, [], "the browser complains of nothing");
} finally {
  await browser.close();
}
process.exit(0);
