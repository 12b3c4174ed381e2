/** The results of a search, and how they are called. Pure. */

import { count, fields, list, text } from "../json";
import { plural, span } from "../panel/format";

export interface Part {
  name: string;
  score: number;
}

export interface Hit {
  path: string;
  language: string;
  kind: string;
  /** Of the definition; empty where it is none. */
  name: string;
  /** Lines of the file, counted from 1; both belong to it. */
  firstLine: number;
  lastLine: number;
  /** Of a class perhaps its skeleton only. */
  text: string;
  score: number;
  /** What each ranking added to the score, the strongest first. */
  parts: readonly Part[];
}

function readParts(value: unknown): Part[] {
  return Object.entries(fields(value))
    .map(([name, score]) => ({ name, score: count(score) }))
    .sort((a, b) => b.score - a.score);
}

/** The results in an answer of `GET /search`, whose lines count from 0 and end before `end`. */
export function readHits(body: unknown): Hit[] {
  return list(fields(body).results)
    .map(fields)
    .filter(({ path }) => text(path) !== "")
    .map((hit) => ({
      path: text(hit.path),
      language: text(hit.language),
      kind: text(hit.kind),
      name: text(hit.name),
      firstLine: count(hit.start) + 1,
      lastLine: Math.max(count(hit.start) + 1, count(hit.end)),
      text: text(hit.text),
      score: count(hit.score),
      parts: readParts(hit.parts),
    }));
}

/** What a screen reader says of a result. */
export function spoken(hit: Hit): string {
  const { firstLine, lastLine } = hit;
  const lines = firstLine === lastLine ? `line ${firstLine}` : `lines ${firstLine} to ${lastLine}`;
  return `${hit.path}, ${lines}${hit.name === "" ? "" : `, ${hit.kind} ${hit.name}`}`;
}

const SNIPPET_LINES = 5;

/** The first lines that say something, without the indentation that all of them have. */
export function snippet(whole: string): string {
  const lines = whole.split("\n").map((line) => line.replaceAll("\t", "    ").trimEnd());
  const from = lines.findIndex((line) => line !== "");
  const shown = from < 0 ? [] : lines.slice(from, from + SNIPPET_LINES);
  while (shown.at(-1) === "") shown.pop();
  const margins = shown.filter((line) => line !== "").map((line) => line.search(/\S/));
  const margin = Math.min(...margins);
  return shown.map((line) => line.slice(margin)).join("\n");
}

/** The lines' numbers, one below the other; null where the text is not what the file says in them. */
export function numbers({ text: whole, firstLine, lastLine }: Hit): string | null {
  const lines = whole.replace(/\n$/, "").split("\n").length;
  if (lines !== lastLine - firstLine + 1) return null;
  return Array.from({ length: lines }, (_, at) => firstLine + at).join("\n");
}

/** What stands below the path of a piece that is shown as a whole. */
export function about(hit: Hit): string {
  const what = hit.name === "" ? hit.kind : `${hit.kind} ${hit.name}`;
  const cut = numbers(hit) === null ? " The bodies of its methods are left out." : "";
  return `Lines ${span(hit.firstLine, hit.lastLine)}: ${[what, hit.language].filter(Boolean).join(", ")}.${cut}`;
}

/** Scores of reciprocal ranks are small: four digits behind the point. */
export function points(score: number): string {
  return score.toFixed(4);
}

export function found(hits: readonly Hit[]): string {
  return plural(hits.length, "result");
}
