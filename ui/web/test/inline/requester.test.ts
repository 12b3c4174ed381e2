// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { dismissGhost } from "../../src/inline/commands";
import { ASK, URI, Harness } from "./harness";

let h: Harness;

beforeEach(async () => {
  h = await Harness.start();
});

afterEach(() => h.end());

describe("asking", () => {
  it("sends the text, then one question for a burst of keys", async () => {
    h.type("def f");
    await h.settle();
    expect(h.socket.methods().slice(-2)).toEqual(["textDocument/didChange", ASK]);
    expect(h.questions).toHaveLength(1);
    expect(h.questions[0]?.params).toMatchObject({
      textDocument: { uri: URI },
      position: { line: 0, character: 5 },
      context: { triggerKind: 2 },
    });
  });

  it("shows the answer, and tells the server that it did", async () => {
    h.type("x = ");
    await h.settle();
    h.answer("1");
    await h.settle();
    expect(h.rest).toBe("1");
    expect(h.socket.last("textDocument/didShowCompletion")?.params).toMatchObject({
      item: { insertText: "1" },
    });
    expect(h.observer.answered).toHaveBeenCalledWith("text", expect.any(Number));
  });

  it("asks nothing in front of a word or beside a selection, unless it is invoked", async () => {
    h.view.dispatch({ changes: { from: 0, insert: "word" } });
    h.type("a");
    await h.settle();
    h.view.dispatch({ selection: { anchor: 0, head: 3 } });
    await h.settle();
    expect(h.questions).toHaveLength(0);
    h.view.dispatch({ selection: { anchor: 0 } });
    h.ask();
    await h.settle();
    expect(h.questions[0]?.params).toMatchObject({ context: { triggerKind: 1 } });
  });

  it("tells of an error, but not of a cancellation", async () => {
    h.type("a");
    await h.settle();
    h.socket.receive({ id: h.questions[0]?.id, error: { code: -32803, message: "The queue is full." } });
    await h.settle();
    expect(h.observer.failed).toHaveBeenCalledExactlyOnceWith("The queue is full.");
    h.type("b");
    await h.settle();
    h.socket.receive({ id: h.questions[1]?.id, error: { code: -32800, message: "Cancelled." } });
    await h.settle();
    expect(h.observer.failed).toHaveBeenCalledTimes(1);
  });

  it("cancels the question when the cursor walks away", async () => {
    h.type("ab");
    await h.settle();
    h.view.dispatch({ selection: { anchor: 0 } });
    await h.settle();
    expect(h.socket.last("$/cancelRequest")?.params).toEqual({ id: h.questions[0]?.id });
    h.answer("nope", h.questions[0]);
    await h.settle();
    expect(h.rest).toBeNull();
  });
});

describe("typing along", () => {
  beforeEach(async () => {
    h.type("x = ");
    await h.settle();
    h.answer("sum(values)");
    await h.settle();
  });

  it("asks nothing, and backspace brings the text back", async () => {
    h.type("sum(");
    await h.settle();
    expect(h.rest).toBe("values)");
    h.backspace();
    await h.settle();
    expect(h.rest).toBe("(values)");
    expect(h.questions).toHaveLength(1);
    expect(h.observer.local).toHaveBeenCalledTimes(5);
  });

  it("streams the text to the server when typing rests", async () => {
    h.type("su");
    const before = h.socket.sent.length;
    await h.settle();
    expect(h.socket.methods().slice(before)).toEqual(["textDocument/didChange"]);
  });

  it("asks anew when all of it was typed, or something else", async () => {
    h.type("sum(values)");
    await h.settle();
    expect(h.questions).toHaveLength(2);
    h.type("!");
    await h.settle();
    expect(h.questions).toHaveLength(3);
  });

  it("asks nothing after a dismissal until the next key", async () => {
    expect(dismissGhost(h.view)).toBe(true);
    await h.settle();
    expect(h.rest).toBeNull();
    expect(h.questions).toHaveLength(1);
    expect(dismissGhost(h.view)).toBe(false);
  });
});

describe("late answers", () => {
  it("are replayed over text typed along meanwhile", async () => {
    h.type("re");
    await h.settle();
    h.type("tur");
    h.answer("turn 1");
    await h.settle(0);
    expect(h.rest).toBe("n 1");
  });

  it("follow edits made elsewhere meanwhile", async () => {
    h.type("re");
    await h.settle();
    h.view.dispatch({ changes: { from: 0, insert: "# top\n" } });
    h.answer("turn 1");
    await h.settle(0);
    expect(h.rest).toBe("turn 1");
  });

  it("are dropped when other text was typed", async () => {
    h.type("re");
    await h.settle();
    h.type("x");
    h.answer("turn 1");
    await h.settle(0);
    expect(h.rest).toBeNull();
    expect(h.observer.answered).toHaveBeenLastCalledWith("late", expect.any(Number));
  });

  it("are ignored once a newer question was sent", async () => {
    h.type("a");
    await h.settle();
    h.type("b");
    await h.settle();
    h.answer("old", h.questions[0]);
    await h.settle();
    expect(h.rest).toBeNull();
    h.answer("new");
    await h.settle();
    expect(h.rest).toBe("new");
  });

  it("never send the text while the question they answer is open", async () => {
    h.type("re");
    await h.settle();
    h.partial("turn");
    const before = h.socket.sent.length;
    h.type("tu");
    await h.settle();
    expect(h.socket.sent.slice(before)).toEqual([]);
  });
});
