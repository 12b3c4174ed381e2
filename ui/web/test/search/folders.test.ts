import { describe, expect, it } from "vitest";
import {
  type Folder,
  type FolderState,
  chosenOf,
  isMoving,
  labelOf,
  nameOf,
  readFolders,
  unready,
} from "../../src/search/folders";

function folder(part: Partial<Folder> = {}): Folder {
  return { root: "/work/shop", state: "ready", detail: "", files: 3, done: 0, total: 0, ...part };
}

describe("readFolders", () => {
  it("takes what the server says, and leaves out what is no folder", () => {
    const told = { ...folder({ state: "indexing", done: 2, total: 9 }), chunks: 4, embedded: 1 };
    const body = { workspaces: [told, { root: "", state: "ready" }, { root: "/x", state: "odd" }, 7, null] };
    expect(readFolders(body)).toEqual([folder({ state: "indexing", done: 2, total: 9 })]);
    for (const none of [null, [], {}, { workspaces: {} }, "text"]) expect(readFolders(none)).toEqual([]);
  });
});

describe("a folder", () => {
  it("is called by the last part of its path", () => {
    for (const root of ["/work/shop", "/work/shop/", "C:\\work\\shop", "shop"]) {
      expect(nameOf({ root })).toBe("shop");
    }
    expect(nameOf({ root: "/" })).toBe("/");
  });

  it("is told from another of the same name by its path", () => {
    const [a, b, c] = [folder(), folder({ root: "/old/shop" }), folder({ root: "/work/till" })];
    expect([a, b, c].map((one) => labelOf(one, [a, b, c]))).toEqual(["/work/shop", "/old/shop", "till"]);
  });

  it("stays chosen while it is there", () => {
    const [a, b] = [folder({ root: "/a" }), folder({ root: "/b" })];
    expect(chosenOf([a, b], "/b")).toBe(b);
    expect(chosenOf([a, b], "/gone")).toBe(a);
    expect(chosenOf([], "/b")).toBeNull();
  });

  it("has a sentence for every state but ready", () => {
    expect(unready(folder())).toBe("");
    expect(unready(folder({ state: "opening" }))).toBe("The index of shop is being opened.");
    expect(unready(folder({ state: "failed", detail: "No space is left." }))).toBe("No space is left.");
    expect(unready(folder({ state: "failed" }))).toBe("shop could not be indexed.");
    expect(unready(folder({ state: "indexing", done: 120, total: 4_000 }))).toBe(
      "shop is still being indexed (120 of 4,000 files): some results may be missing.",
    );
    expect(unready(folder({ state: "indexing" }))).toMatch(/^shop is still being indexed:/);
  });

  it("moves until it is ready or has failed", () => {
    const states: FolderState[] = ["opening", "indexing", "ready", "failed"];
    expect(states.map((state) => isMoving(folder({ state })))).toEqual([true, true, false, false]);
    expect(isMoving(null)).toBe(true);
  });
});
