import { afterEach, describe, expect, it, vi } from "vitest";
import { getJson, refusalOf } from "../../src/connection/http";
import { AWAY } from "../../src/connection/socket";

const go = () => new AbortController().signal;

afterEach(() => vi.unstubAllGlobals());

function answering(answer: () => Promise<Response>): void {
  vi.stubGlobal("fetch", answer);
}

describe("getJson", () => {
  it("gives the body, or the server's sentence", async () => {
    answering(() => Promise.resolve(Response.json({ a: 1 })));
    expect(await getJson("/x", go())).toEqual({ ok: true, body: { a: 1 } });
    answering(() => Promise.resolve(Response.json({ error: { message: "No." } }, { status: 400 })));
    expect(await getJson("/x", go())).toEqual({ ok: false, sentence: "No." });
    answering(() => Promise.resolve(new Response("<html>", { status: 502 })));
    expect(await getJson("/x", go())).toEqual({ ok: false, sentence: refusalOf(502, null) });
  });

  it("says that the server is away, and rejects only what was aborted", async () => {
    answering(() => Promise.reject(new TypeError("Failed to fetch")));
    expect(await getJson("/x", go())).toEqual({ ok: false, sentence: AWAY });
    await expect(getJson("/x", AbortSignal.abort())).rejects.toThrow();
  });
});
