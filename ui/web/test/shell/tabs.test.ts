import { describe, expect, it } from "vitest";
import { tabAfter } from "../../src/shell/tabs";

describe("tabs", () => {
  it("go round with the arrows, and to the ends", () => {
    expect([0, 1, 2].map((at) => tabAfter("ArrowRight", at, 3))).toEqual([1, 2, 0]);
    expect([0, 1, 2].map((at) => tabAfter("ArrowLeft", at, 3))).toEqual([2, 0, 1]);
    expect([tabAfter("Home", 2, 3), tabAfter("End", 0, 3)]).toEqual([0, 2]);
    expect(tabAfter("ArrowDown", 0, 3)).toBeNull();
  });
});
