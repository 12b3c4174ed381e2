import { describe, expect, it } from "vitest";
import { stopAfter } from "../../src/search/pane";

describe("keys", () => {
  it("lead from the box through the results and back", () => {
    expect(stopAfter("ArrowDown", 0)).toBe(1);
    expect(stopAfter("ArrowUp", 1)).toBe(0);
    expect(stopAfter("ArrowUp", 0)).toBe(-1);
    expect(stopAfter("Escape", 4)).toBe(0);
    expect(stopAfter("Escape", 0)).toBeNull();
    expect(stopAfter("a", 2)).toBeNull();
  });
});
