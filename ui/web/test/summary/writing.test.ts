import { describe, expect, it } from "vitest";
import type { Ask } from "../../src/connection/http";
import { AWAY } from "../../src/connection/socket";
import { CUT_OFF, NOTHING, type Telling, type Wish, sentenceOf, textOf } from "../../src/summary/model";
import { type Post, Writing } from "../../src/summary/writing";

const WISH: Wish = { root: "/work/shop", level: "file", path: "a.py", symbol: "" };
const SUMMARY = { kind: "summary", level: "file", name: "a.py", text: "Es zählt.", model: "m", digest: "d1" };
const NONE: Ask = () => Promise.resolve({ ok: true, body: { known: null } });

const event = (news: object) => `data: ${JSON.stringify(news)}\n\n`;

/** Follows one answer; the test writes its body. */
class Bench {
  telling: Telling = NOTHING;
  readonly texts: string[] = [];
  body = "";
  signal: AbortSignal | null = null;
  private controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  readonly writing: Writing;

  constructor(ask: Ask = NONE, post?: Post) {
    this.writing = new Writing(post ?? this.post, ask, (telling) => {
      this.telling = telling;
      if (textOf(telling) !== "") this.texts.push(textOf(telling));
    });
  }

  private readonly post: Post = (body, signal) => {
    this.body = body;
    this.signal = signal;
    const stream = new ReadableStream<Uint8Array>({ start: (controller) => (this.controller = controller) });
    signal.addEventListener("abort", () => this.controller?.error(signal.reason));
    return Promise.resolve(new Response(stream));
  };

  send(bytes: Uint8Array): void {
    this.controller?.enqueue(bytes);
  }

  end(): void {
    this.controller?.close();
  }
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

describe("writing", () => {
  it("tells the text as it comes, however the bytes are cut", async () => {
    const bench = new Bench();
    const done = bench.writing.write(WISH);
    await settle();
    expect(JSON.parse(bench.body)).toEqual(WISH);
    const text = new TextEncoder().encode(event({ kind: "text", text: "Es zä" }) + event(SUMMARY));
    for (const byte of text) bench.send(Uint8Array.of(byte));
    bench.end();
    await done;
    expect(bench.texts).toEqual(["Es zä", "Es zählt."]);
    expect(bench.telling).toMatchObject({ kind: "done", age: "new" });
  });

  it("is given up by cancelling, which the server sees, and its text stays", async () => {
    const bench = new Bench();
    const done = bench.writing.write(WISH);
    await settle();
    bench.send(new TextEncoder().encode(event({ kind: "text", text: "Es" })));
    await settle();
    bench.writing.cancel();
    await done;
    expect(bench.signal?.aborted).toBe(true);
    expect(bench.telling).toEqual({ kind: "cancelled", text: "Es" });
  });

  it("is given up for another, whose news alone are told", async () => {
    const bench = new Bench();
    const first = bench.writing.write(WISH);
    await settle();
    const signal = bench.signal;
    const second = bench.writing.write({ ...WISH, path: "b.py" });
    await first;
    expect(signal?.aborted).toBe(true);
    bench.send(new TextEncoder().encode(event(SUMMARY)));
    bench.end();
    await second;
    expect(bench.telling.kind).toBe("done");
  });

  it("says what went wrong", async () => {
    const refused = () =>
      Promise.resolve(Response.json({ error: { message: "No such file." } }, { status: 404 }));
    const away = () => Promise.reject(new TypeError("Failed to fetch"));
    for (const [post, sentence] of [
      [refused, "No such file."],
      [away, AWAY],
      [() => Promise.resolve(new Response(event({ kind: "text", text: "Es" }))), CUT_OFF],
    ] as const) {
      const bench = new Bench(NONE, post);
      await bench.writing.write(WISH);
      expect(bench.telling.kind).toBe("failed");
      expect(sentenceOf(bench.telling)).toBe(sentence);
    }
  });
});

describe("looking", () => {
  it("shows what was made before, and whether it still fits", async () => {
    let asked = "";
    const ask: Ask = (path) => {
      asked = path;
      return Promise.resolve({ ok: true, body: { known: { ...SUMMARY, stale: true } } });
    };
    const bench = new Bench(ask);
    await bench.writing.look(WISH);
    expect(asked).toBe("/summaries?root=%2Fwork%2Fshop&level=file&path=a.py&symbol=");
    expect(bench.telling).toMatchObject({ kind: "done", age: "stale" });
  });

  it("and writing again tells whether anything was new", async () => {
    const known = { ...SUMMARY, stale: false };
    const post = () => Promise.resolve(new Response(event(SUMMARY)));
    const bench = new Bench(() => Promise.resolve({ ok: true, body: { known } }), post);
    await bench.writing.look(WISH);
    await bench.writing.write(WISH);
    expect(bench.telling).toMatchObject({ kind: "done", age: "cached" });
  });

  it("shows nothing where nothing is known, or the server does not say", async () => {
    for (const ask of [NONE, () => Promise.resolve({ ok: false, sentence: "No." } as const)]) {
      const bench = new Bench(ask);
      await bench.writing.look(WISH);
      expect(bench.telling).toEqual(NOTHING);
    }
  });
});
