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

/** Of each line, the words of the query that it holds; letters' case is nothing. */
function wordsIn(lines: readonly string[], query: string): Set<string>[] {
  const words = [...new Set(query.toLowerCase().match(/[\p{L}\p{N}]+/gu))];
  return lines.map((line) => new Set(words.filter((word) => line.toLowerCase().includes(word))));
}

/** Where the lines begin that hold the most words of the query; the first of equals. */
function bestStart(lines: readonly string[], query: string): number {
  const held = wordsIn(lines, query);
  let [best, most] = [0, 0];
  for (const [at, here] of held.entries()) {
    const all = new Set(held.slice(at, at + SNIPPET_LINES).flatMap((words) => [...words])).size;
    if (here.size > 0 && all > most) [best, most] = [at, all];
  }
  return best;
}

/** The lines that fit the query best, without the indentation that all of them have. */
export function snippet(whole: string, query: string): string {
  const lines = whole.split("\n").map((line) => line.replaceAll("\t", "    ").trimEnd());
  const start = bestStart(lines, query);
  const from = lines.findIndex((line, at) => at >= start && line !== "");
  const shown = from < 0 ? [] : lines.slice(from, from + SNIPPET_LINES);
  while (shown.at(-1) === "") shown.pop();
  const margin = Math.min(...shown.filter((line) => line !== "").map((line) => line.search(/\S/)));
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
