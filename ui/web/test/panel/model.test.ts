import { describe, expect, it } from "vitest";
import {
  type Model,
  PAST_KEPT,
  START,
  aPass,
  context,
  drafted,
  exactness,
  headline,
  lastSentence,
  withTrace,
} from "../../src/panel/model";
import type { EngineStatus, Trace } from "../../src/protocol";

const TRACE: Trace = {
  model: "m",
  device: "cpu",
  weights: "int8",
  layout: "append",
  reuse: { kept: 90, shifted: 0, computed: 10, repaired: 0, stale: 0, exact: true },
  drafts: { drafted: 0, accepted: 0, passes: 11, output: 11, drafters: [] },
  generated: 12,
  queueMs: 1,
  promptMs: 40,
  firstTokenMs: 50,
  totalMs: 300,
  finish: "block",
  context: [],
};

function engine(state: EngineStatus["state"], detail = ""): EngineStatus {
  return { state, detail, model: null, device: null, weights: null, cache: null };
}

const open: Model = { ...START, link: { kind: "open" } };

describe("headline", () => {
  it("shows the server's own sentence while loading and after a failure", () => {
    expect(headline({ ...open, engine: engine("loading", "Reading weights.") })).toMatchObject({
      tone: "busy",
      sentence: "Reading weights.",
    });
    expect(headline({ ...open, engine: engine("failed", "No memory.") })).toMatchObject({
      tone: "bad",
      sentence: "No memory.",
    });
  });

  it("has a sentence of its own where the server has none", () => {
    for (const state of ["loading", "ready", "unloaded", "failed", "stopped"] as const) {
      expect(headline({ ...open, engine: engine(state) }).sentence).toMatch(/\.$/);
    }
    expect(headline({ ...open, engine: engine("unloaded") })).toMatchObject({ tone: "idle" });
    expect(headline(START).tone).toBe("busy");
    expect(headline(open).tone).toBe("good");
  });

  it("puts a lost connection before everything else", () => {
    const lost: Model = {
      ...open,
      engine: engine("ready"),
      link: { kind: "lost", sentence: "Gone.", retrying: true },
    };
    expect(headline(lost)).toMatchObject({ tone: "bad", short: "Disconnected" });
    expect(headline(lost).sentence).toContain("Gone. Trying again.");
    expect(headline({ ...lost, link: { kind: "lost", sentence: "No key.", retrying: false } }).sentence).toBe(
      "No key.",
    );
  });
});

describe("withTrace", () => {
  it("keeps the newest requests only, and learns of the engine", () => {
    let model = open;
    for (let at = 0; at < PAST_KEPT + 5; at++) model = withTrace(model, { ...TRACE, totalMs: at });
    expect(model.past).toHaveLength(PAST_KEPT);
    expect(model.past.at(-1)?.totalMs).toBe(PAST_KEPT + 4);
    expect(model.engine).toMatchObject({ state: "ready", model: "m", device: "cpu", weights: "int8" });
  });

  it("remembers what the status said of the cache", () => {
    const told: Model = { ...open, engine: { ...engine("ready"), cache: "follows edits" } };
    expect(withTrace(told, TRACE).engine?.cache).toBe("follows edits");
    expect(withTrace(open, TRACE).engine?.cache).toBeNull();
  });
});

describe("exactness", () => {
  const stale = (count: number): Trace => ({
    ...TRACE,
    reuse: { ...TRACE.reuse, stale: count, exact: count === 0 },
  });

  it("says how much of the cache is stale", () => {
    expect(exactness(null)).toBe("–");
    expect(exactness(stale(0))).toBe("exact");
    expect(exactness(stale(1))).toBe("approximate, 1 token stale");
    expect(exactness(stale(1_234))).toBe("approximate, 1,234 tokens stale");
  });
});

describe("lastSentence", () => {
  it("begins with what to do", () => {
    expect(lastSentence(START)).toBe("No completion yet: type something.");
  });

  it("tells how the last question ended", () => {
    const done = (outcome: "text" | "nothing" | "late"): Model => ({
      ...withTrace(open, TRACE),
      asking: { kind: "done", outcome },
    });
    expect(lastSentence(done("text"))).toBe("Ended with the block.");
    expect(lastSentence(done("nothing"))).toContain("nothing");
    expect(lastSentence(done("late"))).toContain("Dropped");
    expect(lastSentence({ ...open, asking: { kind: "failed", sentence: "Full." } })).toBe("Full.");
  });
});

describe("context", () => {
  it("names the lines of other files, and why they were shown", () => {
    expect(context(null)).toBe("–");
    expect(context(TRACE)).toBe("none");
    const piece = { path: "src/a.py", firstLine: 3, lastLine: 9, why: "symbols" };
    expect(context({ ...TRACE, context: [piece, { ...piece, path: "b.py", why: "edited" }] })).toBe(
      "src/a.py:3–9 (symbols), b.py:3–9 (edited)",
    );
  });
});

describe("drafts", () => {
  it("say how many tokens were taken, and whose they were", () => {
    expect(drafted(null)).toBe("–");
    expect(drafted(TRACE)).toBe("none");
    const drafts = { drafted: 8, accepted: 5, passes: 4, output: 9, drafters: ["small_model", "suffix"] };
    expect(drafted({ ...TRACE, drafts })).toBe("5 of 8 tokens (small model, suffix)");
    expect(aPass({ ...TRACE, drafts })).toBe("2.3");
    expect(aPass(null)).toBe("–");
    expect(aPass({ ...TRACE, drafts: { ...drafts, passes: 0 } })).toBe("–");
  });
});
