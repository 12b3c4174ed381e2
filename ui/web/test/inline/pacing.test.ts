import { describe, expect, it } from "vitest";
import {
  LONGEST_MS,
  PAUSE_MS,
  type Pace,
  RESTED,
  SHORTEST_MS,
  afterAnswer,
  afterKey,
  delay,
} from "../../src/inline/pacing";

function burst(gap: number, keys = 30): { pace: Pace; now: number } {
  let pace = RESTED;
  let now = 1_000;
  for (let key = 0; key < keys; key++) pace = afterKey(pace, (now += gap));
  return { pace, now };
}

describe("delay", () => {
  it("asks at once after a pause", () => {
    expect(delay(RESTED, 0)).toBe(SHORTEST_MS);
    const { pace, now } = burst(50);
    expect(delay(pace, now + PAUSE_MS + 1)).toBe(SHORTEST_MS);
  });

  it("waits longer for a slow engine than for a fast one", () => {
    const { pace, now } = burst(90);
    const fast = delay(afterAnswer({ ...pace, answerMs: 20 }, 20), now + 90);
    const slow = delay(afterAnswer({ ...pace, answerMs: 900 }, 900), now + 90);
    expect(fast).toBeLessThan(slow);
    expect(fast).toBe(SHORTEST_MS);
  });

  it("stays within its bounds whatever happened", () => {
    for (const gap of [0, 1, 30, 200, 399]) {
      for (const answer of [0, 10, 500, 60_000]) {
        const { pace, now } = burst(gap);
        const ms = delay(afterAnswer(pace, answer), now + gap);
        expect(ms).toBeGreaterThanOrEqual(SHORTEST_MS);
        expect(ms).toBeLessThanOrEqual(LONGEST_MS);
      }
    }
  });

  it("learns the distance of keys from bursts only", () => {
    const { pace } = burst(60);
    expect(pace.gapMs).toBeCloseTo(60, 0);
    expect(afterKey(pace, 1e9).gapMs).toBe(pace.gapMs);
  });
});
