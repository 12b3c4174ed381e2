import { describe, expect, it } from "vitest";
import { readAnswer, readError, readStatus, readTrace } from "../src/protocol";

const RANGE = { start: { line: 1, character: 2 }, end: { line: 1, character: 2 } };

describe("readAnswer", () => {
  it("takes a list, an object with items, and a snippet's text", () => {
    const item = { insertText: "x", range: RANGE, command: { command: "c", arguments: [1] } };
    expect(readAnswer([item])).toEqual({ ...item, raw: item });
    expect(readAnswer({ items: [item] })?.range).toEqual(RANGE);
    expect(readAnswer([{ insertText: { kind: "snippet", value: "y" } }])?.insertText).toBe("y");
  });

  it("turns every line end into the editor's own", () => {
    expect(readAnswer([{ insertText: "a\r\nb\rc" }])?.insertText).toBe("a\nb\nc");
  });

  it("is null for whatever is no answer", () => {
    for (const odd of [null, undefined, 3, "x", {}, { items: 1 }, [], [{}], [null], [{ insertText: "" }]]) {
      expect(readAnswer(odd)).toBeNull();
    }
  });

  it("reads a broken range or command as none", () => {
    const item = readAnswer([
      { insertText: "x", range: { start: { line: 1.5 } }, command: { arguments: [] } },
    ]);
    expect(item).toMatchObject({ range: null, command: null });
  });
});

describe("notifications", () => {
  it("read a trace as far as it is one", () => {
    const trace = { model: "m", reuse: { kept: 5, computed: "no" }, firstTokenMs: null, totalMs: 8 };
    expect(readTrace({ trace })).toMatchObject({
      model: "m",
      reuse: { kept: 5, computed: 0 },
      firstTokenMs: null,
    });
    expect(readTrace({})).toBeNull();
    expect(readTrace(null)).toBeNull();
  });

  it("read what of other files the model saw", () => {
    const piece = { path: "a.py", firstLine: 1, lastLine: 4, why: "similar" };
    const read = (context: unknown) => readTrace({ trace: { model: "m", context } })?.context;
    expect(read([{ ...piece, score: 0.5 }])).toEqual([piece]);
    expect(read([null])).toEqual([{ path: "", firstLine: 0, lastLine: 0, why: "" }]);
    expect(read("no")).toEqual([]);
  });

  it("read what was repaired and what is stale", () => {
    const reuse = { kept: 5, shifted: 4, computed: 3, repaired: 2, stale: 7, exact: false, prompt: 12 };
    expect(readTrace({ trace: { model: "m", reuse } })?.reuse).toEqual({
      kept: 5,
      shifted: 4,
      computed: 3,
      repaired: 2,
      stale: 7,
      exact: false,
    });
  });

  it("read what drafts did, busiest drafter first", () => {
    const drafters = [
      { drafter: "typed", drafted: 2 },
      { drafter: "suffix", drafted: 6 },
    ];
    const drafts = { drafted: 8, accepted: 5, passes: 3, output: 8, drafters };
    expect(readTrace({ trace: { model: "m", drafts } })?.drafts).toEqual({
      ...drafts,
      drafters: ["suffix", "typed"],
    });
    expect(readTrace({ trace: { model: "m" } })?.drafts).toMatchObject({ drafted: 0, drafters: [] });
  });

  it("are exact when nothing is stale, should a server not say so", () => {
    const read = (reuse: unknown) => readTrace({ trace: { model: "m", reuse } })?.reuse;
    expect(read({ stale: 0 })?.exact).toBe(true);
    expect(read({ stale: 2, exact: "yes" })?.exact).toBe(false);
    expect(read("odd")).toMatchObject({ repaired: 0, stale: 0, exact: true });
  });

  it("read a status of a known state only", () => {
    expect(readStatus({ state: "unloaded" })).toMatchObject({ state: "unloaded" });
    expect(readStatus({ state: "loading", detail: "Reading." })).toMatchObject({
      detail: "Reading.",
      model: null,
      cache: null,
    });
    expect(readStatus({ state: "ready", cache: "follows edits" })?.cache).toBe("follows edits");
    expect(readStatus({ state: "dreaming" })).toBeNull();
  });
});

describe("readError", () => {
  it("finds a sentence in whatever was thrown", () => {
    expect(readError({ code: -1, message: "No." })).toEqual({ code: -1, message: "No." });
    expect(readError(new Error("Late.")).message).toBe("Late.");
    expect(readError("odd").message).toBe("odd");
  });
});
