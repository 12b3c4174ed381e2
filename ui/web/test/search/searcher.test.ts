import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Reply } from "../../src/connection/http";
import { EMPTY, type SearchModel, resultsOf, told } from "../../src/search/model";
import { LOOK_MS, Searcher, TYPING_MS } from "../../src/search/searcher";

interface Asked {
  path: string;
  signal: AbortSignal;
  answer: (reply: Reply) => void;
}

/** A searcher over questions that the test answers, and time that the test moves. */
class Bench {
  model: SearchModel = EMPTY;
  readonly asked: Asked[] = [];
  readonly searcher = new Searcher(
    (path, signal) =>
      new Promise((resolve) => {
        this.asked.push({ path, signal, answer: resolve });
      }),
    (model) => (this.model = model),
  );

  searches(): Asked[] {
    return this.asked.filter(({ path }) => path.startsWith("/search"));
  }

  looks(): number {
    return this.asked.length - this.searches().length;
  }

  async answer(body: unknown): Promise<void> {
    await this.reply({ ok: true, body });
  }

  async reply(reply: Reply): Promise<void> {
    this.asked.at(-1)?.answer(reply);
    await vi.advanceTimersByTimeAsync(0);
  }

  async open(state = "ready", root = "/work/shop"): Promise<void> {
    this.searcher.watch(true);
    await this.answer(folders(state, root));
  }
}

const folders = (state: string, root = "/work/shop") => ({ workspaces: [{ root, state, files: 3 }] });
const results = (...paths: string[]) => ({ results: paths.map((path) => ({ path })) });

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe("typing", () => {
  it("asks once, when a pause comes", async () => {
    const bench = new Bench();
    await bench.open();
    for (const query of ["t", "ta", "tax"]) {
      bench.searcher.type(query);
      await vi.advanceTimersByTimeAsync(TYPING_MS - 1);
    }
    expect(bench.searches()).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(bench.searches().map(({ path }) => path)).toEqual(["/search?q=tax&root=%2Fwork%2Fshop&k=20"]);
    await bench.answer(results("a.py"));
    expect(told(bench.model).sentence).toBe("1 result in shop.");
  });

  it("does not wait where Enter is pressed, and asks nothing of an empty box", async () => {
    const bench = new Bench();
    await bench.open();
    bench.searcher.type("tax", true);
    expect(bench.searches()).toHaveLength(1);
    bench.searcher.type("  ", true);
    await vi.advanceTimersByTimeAsync(TYPING_MS);
    expect(bench.searches()).toHaveLength(1);
    expect(bench.model.asking.kind).toBe("nothing");
  });

  it("drops an answer that comes after a later question", async () => {
    const bench = new Bench();
    await bench.open();
    bench.searcher.type("old", true);
    bench.searcher.type("new", true);
    const [old, current] = bench.searches();
    expect(old?.signal.aborted).toBe(true);
    current?.answer({ ok: true, body: results("new.py") });
    await vi.advanceTimersByTimeAsync(0);
    old?.answer({ ok: true, body: results("old.py") });
    await vi.advanceTimersByTimeAsync(0);
    expect(resultsOf(bench.model).hits.map(({ path }) => path)).toEqual(["new.py"]);
  });

  it("drops an answer as soon as the box says something else", async () => {
    const bench = new Bench();
    await bench.open();
    bench.searcher.type("old", true);
    bench.searcher.type("older");
    await bench.answer(results("old.py"));
    expect(bench.model.asking.kind).toBe("waiting");
  });
});

describe("folders", () => {
  it("are looked after while one is indexed and someone looks", async () => {
    const bench = new Bench();
    await bench.open("indexing");
    bench.searcher.type("tax", true);
    await bench.answer(results("a.py"));
    await vi.advanceTimersByTimeAsync(LOOK_MS);
    expect(bench.looks()).toBe(2);
    await bench.answer(folders("ready"));
    expect(bench.searches()).toHaveLength(2);
    await bench.answer(results("a.py", "b.py"));
    expect(told(bench.model).sentence).toBe("2 results in shop.");
    await vi.advanceTimersByTimeAsync(10 * LOOK_MS);
    expect(bench.looks()).toBe(2);
  });

  it("are not looked after when nobody looks", async () => {
    const bench = new Bench();
    await bench.open("indexing");
    bench.searcher.watch(false);
    await vi.advanceTimersByTimeAsync(10 * LOOK_MS);
    expect(bench.looks()).toBe(1);
  });

  it("are found when an editor opens one, and then asked what was typed", async () => {
    const bench = new Bench();
    bench.searcher.watch(true);
    await bench.answer({ workspaces: [] });
    bench.searcher.type("tax", true);
    await bench.answer({ workspaces: [] });
    expect(told(bench.model).sentence).toMatch(/^No folder is open/);
    await vi.advanceTimersByTimeAsync(LOOK_MS);
    await bench.answer(folders("ready"));
    expect(bench.searches()).toHaveLength(1);
  });

  it("are chosen by hand, and the question goes to the chosen one", async () => {
    const bench = new Bench();
    bench.searcher.watch(true);
    const two = [folders("ready"), folders("ready", "/b")].flatMap(({ workspaces }) => workspaces);
    await bench.answer({ workspaces: two });
    bench.searcher.type("tax", true);
    bench.searcher.choose("/b");
    expect(bench.searches().at(-1)?.path).toContain("root=%2Fb");
  });
});

describe("failures", () => {
  it("are told, and what was asked is asked again when the server is back", async () => {
    const bench = new Bench();
    await bench.open();
    bench.searcher.type("tax", true);
    await bench.reply({ ok: false, sentence: "The server does not answer." });
    await bench.reply({ ok: false, sentence: "The server does not answer." });
    expect(told(bench.model)).toEqual({ sentence: "The server does not answer.", bad: true });
    await vi.advanceTimersByTimeAsync(LOOK_MS);
    await bench.answer(folders("ready"));
    expect(bench.searches()).toHaveLength(2);
    await bench.answer(results("a.py"));
    expect(told(bench.model)).toEqual({ sentence: "1 result in shop.", bad: false });
  });

  it("of a question are told once, without asking it again", async () => {
    const bench = new Bench();
    await bench.open();
    bench.searcher.type("tax", true);
    await bench.reply({ ok: false, sentence: "`q` is too long." });
    await bench.answer(folders("ready"));
    await vi.advanceTimersByTimeAsync(10 * LOOK_MS);
    expect(bench.searches()).toHaveLength(1);
    expect(told(bench.model)).toEqual({ sentence: "`q` is too long.", bad: true });
  });
});
