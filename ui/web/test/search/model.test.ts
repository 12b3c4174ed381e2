import { describe, expect, it } from "vitest";
import type { Folder } from "../../src/search/folders";
import type { Hit } from "../../src/search/hits";
import { EMPTY, type SearchModel, folderOf, resultsOf, told } from "../../src/search/model";

const READY: Folder = { root: "/work/shop", state: "ready", detail: "", files: 3, done: 0, total: 0 };
const HIT = { path: "a.py" } as Hit;

function model(part: Partial<SearchModel>): SearchModel {
  return { ...EMPTY, folders: [READY], ...part };
}

describe("told", () => {
  it("has one sentence for every state", () => {
    expect(told(EMPTY).sentence).toBe("Asking which folders there are…");
    expect(told(model({ folders: [] })).sentence).toMatch(/^No folder is open\. Open one/);
    expect(told(model({})).sentence).toBe("Searches 3 files of shop.");
    expect(told(model({ asking: { kind: "waiting" } })).sentence).toBe("Searching…");
    expect(told(model({ asking: { kind: "found", query: "tax", hits: [] } })).sentence).toBe(
      "Nothing in shop fits “tax”.",
    );
    expect(told(model({ asking: { kind: "found", query: "tax", hits: [HIT] } }))).toEqual({
      sentence: "1 result in shop.",
      bad: false,
    });
  });

  it("shows results and what may be missing from them together", () => {
    const folders: Folder[] = [{ ...READY, state: "indexing", done: 1, total: 3 }];
    const found = told(model({ folders, asking: { kind: "found", query: "q", hits: [HIT, HIT] } }));
    expect(found.sentence).toBe(
      "2 results in shop. shop is still being indexed (1 of 3 files): some results may be missing.",
    );
    expect(told(model({ folders })).sentence).toMatch(/^shop is still/);
  });

  it("says what is wrong, and the server's being away before everything else", () => {
    const failed = { kind: "failed", sentence: "`q` is what to look for." } as const;
    expect(told(model({ asking: failed }))).toEqual({ sentence: failed.sentence, bad: true });
    const folders: Folder[] = [{ ...READY, state: "failed", detail: "It is damaged." }];
    expect(told(model({ folders, asking: failed }))).toEqual({ sentence: "It is damaged.", bad: true });
    expect(told(model({ folders, away: "Gone." }))).toEqual({ sentence: "Gone.", bad: true });
  });
});

describe("the model", () => {
  it("shows results of the last answer only", () => {
    expect(resultsOf(model({ asking: { kind: "waiting" } })).hits).toEqual([]);
    expect(resultsOf(model({ asking: { kind: "found", query: "q", hits: [HIT] } })).hits).toEqual([HIT]);
  });

  it("falls back to the folder opened first", () => {
    expect(folderOf(model({ root: "/gone" }))).toBe(READY);
    expect(folderOf(EMPTY)).toBeNull();
  });
});
