/** When to ask: at once after a pause, a moment later within a burst of keys. Pure. */

export const SHORTEST_MS = 8;
export const LONGEST_MS = 120;

/** A pause this long ends a burst: the next key is asked for at once. */
export const PAUSE_MS = 400;

export interface Pace {
  /** Mean distance of keys within a burst, milliseconds. */
  readonly gapMs: number;
  /** Mean time to the first text of an answer, milliseconds. */
  readonly answerMs: number;
  readonly lastKeyAt: number;
}

export const RESTED: Pace = { gapMs: 160, answerMs: 200, lastKeyAt: -Infinity };

function mean(old: number, sample: number, weight: number): number {
  return old + (sample - old) * weight;
}

export function afterKey(pace: Pace, now: number): Pace {
  const gap = now - pace.lastKeyAt;
  return { ...pace, gapMs: gap > PAUSE_MS ? pace.gapMs : mean(pace.gapMs, gap, 0.25), lastKeyAt: now };
}

export function afterAnswer(pace: Pace, ms: number): Pace {
  return { ...pace, answerMs: mean(pace.answerMs, Math.min(ms, 2_000), 0.25) };
}

/**
 * How long to wait before asking for a key pressed at `now`, with `pace` as it was before that key.
 *
 * A fast engine is asked soon, since an answer thrown away costs little there. A slow one is asked
 * when the next key is late, a little more than one mean distance after the last.
 */
export function delay(pace: Pace, now: number): number {
  if (now - pace.lastKeyAt > PAUSE_MS) return SHORTEST_MS;
  const patience = Math.min(1.2, pace.answerMs / 250);
  return Math.round(Math.min(LONGEST_MS, Math.max(SHORTEST_MS, pace.gapMs * patience)));
}
