import { describe, expect, it } from "vitest";
import { duration, integer, percent, plural, rate } from "../../src/panel/format";

describe("format", () => {
  it("writes times with three figures or so", () => {
    const written = (ms: number) => `${duration(ms).value} ${duration(ms).unit}`;
    expect([0.04, 8.44, 9.96, 412.4, 999.4, 999.6, 1_240, 9_999, 65_000].map(written)).toEqual([
      "0.0 ms",
      "8.4 ms",
      "10 ms",
      "412 ms",
      "999 ms",
      "1.00 s",
      "1.24 s",
      "10.00 s",
      "65.0 s",
    ]);
    expect(duration(null)).toEqual({ value: "–", unit: "" });
  });

  it("never rounds to all or nothing", () => {
    expect(percent(999, 1000)).toBe(">99 %");
    expect(percent(1, 1000)).toBe("<1 %");
    expect(percent(1000, 1000)).toBe("100 %");
    expect(percent(0, 1000)).toBe("0 %");
    expect(percent(0, 0)).toBe("–");
  });

  it("counts a rate between tokens, behind the first", () => {
    expect(rate(11, 100, 1_100)).toBe("10.0");
    expect(rate(1, 100, 1_100)).toBe("–");
    expect(rate(0, null, 10)).toBe("–");
  });

  it("writes counts for people", () => {
    expect(integer(12_345)).toBe("12,345");
    expect(plural(1, "line")).toBe("1 line");
    expect(plural(2, "line")).toBe("2 lines");
  });
});
