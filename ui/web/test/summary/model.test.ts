import { describe, expect, it } from "vitest";
import {
  BEGUN,
  LEVELS,
  type Telling,
  type Wish,
  bodyOf,
  missing,
  sentenceOf,
  textOf,
  told,
} from "../../src/summary/model";

const WISH: Wish = { root: "/work/shop", level: "function", path: " shop/cart.py ", symbol: "Cart.total" };
const SUMMARY = { level: "file", name: "a.py", text: "It adds.", model: "m", digest: "d1" };

describe("a wish", () => {
  it("names only what its level needs", () => {
    const named = LEVELS.map((level) => bodyOf({ ...WISH, level }));
    expect(named.map(({ path }) => path)).toEqual(["shop/cart.py", "shop/cart.py", "shop/cart.py", ""]);
    expect(named.map(({ symbol }) => symbol)).toEqual(["Cart.total", "Cart.total", "", ""]);
  });

  it("says what it lacks", () => {
    for (const level of LEVELS) expect(missing({ ...WISH, level })).toBe("");
    const bare = { ...WISH, path: "", symbol: " " };
    expect(missing({ ...bare, level: "repository" })).toBe("");
    expect(missing({ ...bare, level: "file" })).toMatch(/^Name the file/);
    expect(missing({ ...bare, path: "a.py", level: "class" })).toMatch(/^Name the class/);
    expect(missing({ ...bare, path: "a.py", level: "function" })).toMatch(/^Name the function/);
  });
});

describe("telling", () => {
  it("follows the news, and keeps the text when they end badly", () => {
    let telling = told(BEGUN, { kind: "part", done: 1, total: 3, name: "Cart" });
    expect(sentenceOf(telling)).toBe("Summarising Cart, 2 of 3 parts…");
    telling = told(telling, { kind: "text", text: "It" });
    expect([textOf(telling), sentenceOf(telling)]).toEqual(["It", "Summarising Cart, 2 of 3 parts…"]);
    const failed = told(telling, { kind: "error", sentence: "The engine stopped." });
    expect([textOf(failed), sentenceOf(failed)]).toEqual(["It", "The engine stopped."]);
    const done = told(telling, { kind: "summary", summary: SUMMARY });
    expect([textOf(done), sentenceOf(done)]).toEqual(["It adds.", "Written for the code as it is now."]);
  });

  it("says that nothing was new where it was made of the same as before", () => {
    const done = { kind: "summary", summary: SUMMARY } as const;
    expect(told(BEGUN, done, "d1")).toMatchObject({ age: "cached" });
    expect(told(BEGUN, done, "d0")).toMatchObject({ age: "new" });
    expect(told(BEGUN, { ...done, summary: { ...SUMMARY, digest: "" } }, "")).toMatchObject({ age: "new" });
  });

  it("counts no parts where there is one", () => {
    expect(sentenceOf(told(BEGUN, { kind: "part", done: 0, total: 1, name: "f" }))).toBe(sentenceOf(BEGUN));
  });

  it("says of what was made before whether it still fits", () => {
    const made = (age: "cached" | "stale"): Telling => ({ kind: "done", summary: SUMMARY, age });
    expect(sentenceOf(made("cached"))).toContain("nothing has changed");
    expect(sentenceOf(made("stale"))).toContain("has changed since");
  });
});
