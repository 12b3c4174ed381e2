// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { acceptAll, acceptWord } from "../../src/inline/commands";
import { ASK, URI, Harness } from "./harness";

let h: Harness;

beforeEach(async () => {
  h = await Harness.start();
});

afterEach(() => h.end());

describe("streaming", () => {
  it("shows partial text and keeps what was typed along", async () => {
    h.type("re");
    await h.settle();
    h.partial("turn");
    expect(h.rest).toBe("turn");
    h.type("tu");
    h.partial("turn 1 + ");
    expect(h.rest).toBe("rn 1 + ");
    h.answer("turn 1 + 2");
    await h.settle();
    expect(h.rest).toBe("rn 1 + 2");
    expect(h.questions).toHaveLength(1);
    expect(h.observer.firstText).toHaveBeenCalledTimes(1);
  });

  it("goes on after an early acceptance, whose command follows at the end", async () => {
    h.type("re");
    await h.settle();
    h.partial("turn");
    acceptAll(h.view);
    await h.settle();
    expect(h.questions).toHaveLength(1);
    expect(h.socket.last("workspace/executeCommand")).toBeUndefined();
    h.answer("turn 1");
    await h.settle();
    expect(h.rest).toBe(" 1");
    expect(h.socket.last("workspace/executeCommand")?.params).toMatchObject({ command: "splice.accept" });
  });

  it("withdraws what it showed when the answer turns out empty", async () => {
    h.type("re");
    await h.settle();
    h.partial("turn");
    h.answer(null);
    await h.settle();
    expect(h.rest).toBeNull();
    expect(h.observer.answered).toHaveBeenCalledWith("nothing", expect.any(Number));
  });
});

describe("accepting", () => {
  beforeEach(async () => {
    h.type("x = ");
    await h.settle();
    h.answer("sum(values)");
    await h.settle();
  });

  it("inserts all, runs the command once and asks for what comes next", async () => {
    expect(acceptAll(h.view)).toBe(true);
    await h.settle();
    expect(h.text).toBe("x = sum(values)");
    expect(h.socket.sent.filter(({ method }) => method === "workspace/executeCommand")).toHaveLength(1);
    expect(h.questions).toHaveLength(2);
    expect(acceptAll(h.view)).toBe(false);
  });

  it("takes word by word without asking, and says how much was taken", async () => {
    acceptWord(h.view);
    await h.settle();
    expect(h.rest).toBe("values)");
    expect(h.questions).toHaveLength(1);
    expect(h.socket.last("textDocument/didPartiallyAcceptCompletion")?.params).toMatchObject({
      acceptedLength: 4,
    });
    acceptWord(h.view);
    acceptWord(h.view);
    await h.settle();
    expect(h.text).toBe("x = sum(values)");
    expect(h.socket.last("workspace/executeCommand")?.params).toMatchObject({
      arguments: [expect.any(String)],
    });
    expect(h.questions).toHaveLength(2);
  });
});

describe("a lost connection", () => {
  it("opens the document again with all text, and asks what was missed", async () => {
    h.type("x");
    h.socket.lose();
    h.type(" = ");
    await h.settle(0);
    vi.spyOn(h.view, "hasFocus", "get").mockReturnValue(true);
    await h.settle();
    h.socket.open();
    await h.settle();
    expect(h.sockets).toHaveLength(2);
    expect(h.socket.last("textDocument/didOpen")?.params).toMatchObject({ textDocument: { text: "x = " } });
    expect(h.questions).toHaveLength(1);
  });

  it("answers a resync with the whole text, and asks once more", async () => {
    h.type("abc");
    await h.settle();
    h.socket.receive({ method: "splice/resync", params: { uri: URI, reason: "lost" } });
    await h.settle();
    expect(h.socket.methods().slice(-4)).toEqual([
      "textDocument/didClose",
      "textDocument/didOpen",
      "$/cancelRequest",
      ASK,
    ]);
    expect(h.socket.last("textDocument/didOpen")?.params).toMatchObject({ textDocument: { text: "abc" } });
    h.socket.receive({ method: "splice/resync", params: { uri: URI, reason: "lost" } });
    await h.settle();
    expect(h.questions).toHaveLength(2);
  });
});
