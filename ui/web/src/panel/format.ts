/** Numbers as people read them. Pure. */

export const NONE = "–";

/** `8.4 ms`, `412 ms`, `1.24 s`: value and unit apart, for alignment. */
export function duration(ms: number | null): { value: string; unit: string } {
  if (ms === null) return { value: NONE, unit: "" };
  if (ms >= 9_999.5) return { value: (ms / 1_000).toFixed(1), unit: "s" };
  if (ms >= 999.5) return { value: (ms / 1_000).toFixed(2), unit: "s" };
  return { value: ms < 9.95 ? ms.toFixed(1) : ms.toFixed(0), unit: "ms" };
}

/** `1,234`. */
export function integer(value: number | null): string {
  return value === null ? NONE : Math.round(value).toLocaleString("en-US");
}

/** The part of `whole` in percent; never 100 unless it is all of it, never 0 unless it is nothing. */
export function percent(part: number, whole: number): string {
  if (whole <= 0) return NONE;
  const rounded = Math.round((part / whole) * 100);
  if (part > 0 && rounded === 0) return "<1 %";
  if (part < whole && rounded === 100) return ">99 %";
  return `${rounded} %`;
}

/** Tokens a second; null when there is nothing to divide. */
export function rate(tokens: number, firstMs: number | null, totalMs: number): string {
  if (firstMs === null || tokens < 2 || totalMs <= firstMs) return NONE;
  return (((tokens - 1) * 1_000) / (totalMs - firstMs)).toFixed(1);
}

export function plural(count: number, one: string): string {
  return `${integer(count)} ${one}${count === 1 ? "" : "s"}`;
}

/** Lines from the first to the last: `3–10`, or `3`. */
export function span(first: number, last: number): string {
  return first === last ? String(first) : `${first}–${last}`;
}
