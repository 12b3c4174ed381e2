/** What the summary pane knows, and how it is told. Pure. */

import { plural } from "../panel/format";
import type { News, Summary } from "./events";

export const LEVELS = ["function", "class", "file", "repository"] as const;
export type Level = (typeof LEVELS)[number];

/** What is to be summarised. */
export interface Wish {
  root: string;
  level: Level;
  /** Relative to the root, with `/`. */
  path: string;
  symbol: string;
}

export type Telling =
  | { kind: "nothing" }
  /** `part`: which of several is being written. */
  | { kind: "writing"; text: string; part: string }
  | { kind: "cancelled"; text: string }
  | { kind: "failed"; text: string; sentence: string }
  /** `age`: written just now, or made before and whether it still fits. */
  | { kind: "done"; summary: Summary; age: "new" | "cached" | "stale" };

export const NOTHING: Telling = { kind: "nothing" };
export const BEGUN: Telling = { kind: "writing", text: "", part: "" };
export const CUT_OFF = "The summary broke off. Ask again.";

/** Which of the fields a level needs beside the folder. */
export function needs(level: Level): { path: boolean; symbol: boolean } {
  return { path: level !== "repository", symbol: level === "function" || level === "class" };
}

/** Why nothing can be asked yet; empty when it can. */
export function missing({ root, level, path, symbol }: Wish): string {
  if (root === "") return "";
  const wanted = needs(level);
  if (wanted.path && path.trim() === "") return "Name the file: its path in the folder, such as src/app.py.";
  if (wanted.symbol && symbol.trim() === "")
    return `Name the ${level}, such as ${level === "class" ? "Cart" : "Cart.total"}.`;
  return "";
}

/** The body of `POST /summaries` and the question of `GET /summaries`: only what the level needs. */
export function bodyOf({ root, level, path, symbol }: Wish): Record<string, string> {
  const wanted = needs(level);
  return {
    root,
    level,
    path: wanted.path ? path.trim() : "",
    symbol: wanted.symbol ? symbol.trim() : "",
  };
}

/** The text so far; empty where there is none. */
export function textOf(telling: Telling): string {
  if (telling.kind === "nothing") return "";
  return telling.kind === "done" ? telling.summary.text : telling.text;
}

/** Of what the summary that is shown was made; empty where none is. */
export function digestOf(telling: Telling): string {
  return telling.kind === "done" ? telling.summary.digest : "";
}

/** What becomes of `telling` by the next news; `before`: of what the summary was made that was shown before. */
export function told(telling: Telling, news: News, before = ""): Telling {
  const text = textOf(telling);
  switch (news.kind) {
    case "part":
      return { kind: "writing", text, part: progress(news) };
    case "text":
      return { kind: "writing", text: news.text, part: telling.kind === "writing" ? telling.part : "" };
    case "summary":
      return { kind: "done", summary: news.summary, age: isSame(news.summary, before) ? "cached" : "new" };
    case "error":
      return { kind: "failed", text, sentence: news.sentence };
  }
}

function isSame({ digest }: Summary, before: string): boolean {
  return digest !== "" && digest === before;
}

function progress({ done, total, name }: { done: number; total: number; name: string }): string {
  return total > 1 ? `${name}, ${done + 1} of ${plural(total, "part")}` : "";
}

/** Where the summary stands, as a sentence. */
export function sentenceOf(telling: Telling): string {
  switch (telling.kind) {
    case "nothing":
      return "";
    case "writing":
      return telling.part === "" ? "The model is reading and writing…" : `Summarising ${telling.part}…`;
    case "cancelled":
      return "Cancelled.";
    case "failed":
      return telling.sentence;
    case "done":
      return AGES[telling.age];
  }
}

const AGES = {
  new: "Written for the code as it is now.",
  cached: "Made before, and nothing has changed since.",
  stale: "Made before; the code, or what it was read with, has changed since.",
} as const;
