/** Server-sent events of `POST /summaries` (HTML standard, section 9.2.6): what they are and what they say. */

import { count, fields, text } from "../json";

/** What of a stream is in hand: `rest` is the beginning of a line that is not over. */
export interface Stream {
  rest: string;
  data: readonly string[];
}

export const BEGIN: Stream = { rest: "", data: [] };

/** Takes the next characters: the data of every event that they end, and what is left. Pure. */
export function take(stream: Stream, more: string): { stream: Stream; events: readonly string[] } {
  const lines = (stream.rest + more).split("\n");
  const rest = lines.pop() ?? "";
  let data = [...stream.data];
  const events: string[] = [];
  for (const line of lines.map((one) => one.replace(/\r$/, ""))) {
    if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
    if (line !== "" || data.length === 0) continue;
    events.push(data.join("\n"));
    data = [];
  }
  return { stream: { rest, data }, events };
}

export interface Summary {
  level: string;
  name: string;
  text: string;
  model: string;
  /** Of everything the model saw. */
  digest: string;
}

export type News =
  /** `name` is being summarised; `done` of `total` are there. */
  | { kind: "part"; done: number; total: number; name: string }
  /** All of the text so far. */
  | { kind: "text"; text: string }
  | { kind: "summary"; summary: Summary }
  | { kind: "error"; sentence: string };

export function readSummary(value: unknown): Summary {
  const summary = fields(value);
  return {
    level: text(summary.level),
    name: text(summary.name),
    text: text(summary.text),
    model: text(summary.model),
    digest: text(summary.digest),
  };
}

/** What an event says; null for one that says nothing we know. */
export function readNews(data: string): News | null {
  const news = fields(parsed(data));
  const sentence = text(fields(news.error).message);
  if (sentence !== "") return { kind: "error", sentence };
  switch (news.kind) {
    case "part":
      return { kind: "part", done: count(news.done), total: count(news.total), name: text(news.name) };
    case "text":
      return { kind: "text", text: text(news.text) };
    case "summary":
      return { kind: "summary", summary: readSummary(news) };
    default:
      return null;
  }
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data) as unknown;
  } catch {
    return null;
  }
}

/** What a summary was made of before, in an answer of `GET /summaries`; null where there is none. */
export function readKnown(body: unknown): { summary: Summary; stale: boolean } | null {
  const { known } = fields(body);
  const { stale } = fields(known);
  return typeof stale === "boolean" ? { summary: readSummary(known), stale } : null;
}
