/** What screen readers are told. */

import { write } from "./dom";
import { plural } from "../panel/format";

const READ_AT_MOST = 100;

export function announce(sentence: string): void {
  write("live", sentence);
}

/** Ghost text as a sentence: its first line that says something, and how many lines there are. */
export function announcement(ghost: string): string {
  const lines = ghost.split("\n").filter((line) => line.trim() !== "");
  const first = (lines[0] ?? "").trim().slice(0, READ_AT_MOST);
  const more = lines.length > 1 ? `, ${plural(lines.length, "line")}` : "";
  return `Suggestion: ${first}${more}. Tab accepts.`;
}
