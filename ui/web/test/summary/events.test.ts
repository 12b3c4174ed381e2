import { describe, expect, it } from "vitest";
import { BEGIN, readKnown, readNews, take } from "../../src/summary/events";

const WHOLE =
  'data: {"kind":"text","text":"A"}\n\ndata: {"kind":"text","text":"AB"}\r\n\r\n: ping\n\ndata: a\ndata:b\n\n';

function eventsOf(pieces: readonly string[]): string[] {
  let stream = BEGIN;
  return pieces.flatMap((piece) => {
    const taken = take(stream, piece);
    stream = taken.stream;
    return [...taken.events];
  });
}

describe("take", () => {
  it("gives the same events wherever the stream is cut", () => {
    const expected = ['{"kind":"text","text":"A"}', '{"kind":"text","text":"AB"}', "a\nb"];
    expect(eventsOf([WHOLE])).toEqual(expected);
    for (let at = 0; at <= WHOLE.length; at++) {
      expect(eventsOf([WHOLE.slice(0, at), WHOLE.slice(at)])).toEqual(expected);
    }
    expect(eventsOf(Array.from(WHOLE))).toEqual(expected);
  });

  it("keeps what is not over", () => {
    expect(eventsOf(["data: a\n"])).toEqual([]);
  });
});

describe("readNews", () => {
  it("reads every kind", () => {
    const part = { kind: "part", done: 1, total: 3, name: "Cart" };
    expect(readNews(JSON.stringify(part))).toEqual(part);
    expect(readNews('{"kind":"text","text":"A"}')).toEqual({ kind: "text", text: "A" });
    const summary = { level: "file", name: "a.py", text: "It adds.", model: "m", digest: "d" };
    expect(readNews(JSON.stringify({ kind: "summary", ...summary, version: 1 }))).toEqual({
      kind: "summary",
      summary,
    });
    const error = { error: { code: -32602, message: "No such file." } };
    expect(readNews(JSON.stringify(error))).toEqual({ kind: "error", sentence: "No such file." });
  });

  it("is null for what it does not know", () => {
    for (const odd of ["", "[DONE]", "null", "3", '{"kind":"weather"}']) expect(readNews(odd)).toBeNull();
  });
});

describe("readKnown", () => {
  it("tells whether it still fits", () => {
    const known = { level: "file", name: "a.py", text: "It adds.", model: "m", stale: true };
    expect(readKnown({ known })).toMatchObject({ stale: true, summary: { text: "It adds." } });
    for (const none of [null, {}, { known: null }, { known: {} }]) expect(readKnown(none)).toBeNull();
  });
});
