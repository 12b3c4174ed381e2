/** What crosses the websocket beside the standard messages. Every reader checks what it gets. */

export interface Position {
  line: number;
  /** UTF-16 code units from the start of the line. */
  character: number;
}

export interface Range {
  start: Position;
  end: Position;
}

export interface Command {
  command: string;
  arguments: unknown[];
}

/** One item of `textDocument/inlineCompletion`; `raw` is sent back untouched in our notifications. */
export interface InlineItem {
  insertText: string;
  range: Range | null;
  command: Command | null;
  raw: unknown;
}

/** Where the prompt's tokens came from: kept in place, shifted, or computed. */
export interface Reuse {
  kept: number;
  shifted: number;
  computed: number;
  /** Those of `computed` that were cached, and encoded again because they stand near an edit. */
  repaired: number;
  /** Those of `kept` and `shifted` that still know the text before an edit. */
  stale: number;
  /** Nothing is stale: the answer is that of a computation from scratch. */
  exact: boolean;
}

/** What one completion cost, measured by the server; times in milliseconds. */
/** What drafts did: tokens guessed, those the model would have said itself, and its passes. */
export interface Drafts {
  drafted: number;
  accepted: number;
  passes: number;
  output: number;
  /** Names, the busiest first. */
  drafters: readonly string[];
}

/** Lines of another file that stood in front of the document; counted from 1. */
export interface ContextPiece {
  path: string;
  firstLine: number;
  lastLine: number;
  why: string;
}

export interface Trace {
  model: string;
  device: string;
  weights: string;
  layout: string;
  reuse: Reuse;
  drafts: Drafts;
  generated: number;
  queueMs: number;
  promptMs: number;
  firstTokenMs: number | null;
  totalMs: number;
  finish: string;
  context: readonly ContextPiece[];
}

export type EngineState = "loading" | "ready" | "unloaded" | "failed" | "stopped";

export interface EngineStatus {
  state: EngineState;
  detail: string;
  model: string | null;
  device: string | null;
  weights: string | null;
  /** What becomes of the cache behind an edit. */
  cache: string | null;
}

type Fields = Record<string, unknown>;

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function optionalText(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function count(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

function readPosition(value: unknown): Position | null {
  const { line, character } = fields(value);
  if (!Number.isInteger(line) || !Number.isInteger(character)) return null;
  return { line: line as number, character: character as number };
}

function readRange(value: unknown): Range | null {
  const start = readPosition(fields(value).start);
  const end = readPosition(fields(value).end);
  return start && end ? { start, end } : null;
}

function readCommand(value: unknown): Command | null {
  const { command, arguments: args } = fields(value);
  if (typeof command !== "string") return null;
  return { command, arguments: Array.isArray(args) ? (args as unknown[]) : [] };
}

function readItem(value: unknown): InlineItem | null {
  const item = fields(value);
  const insert = item.insertText;
  const insertText = typeof insert === "string" ? insert : text(fields(insert).value);
  if (insertText === "") return null;
  // CodeMirror keeps lines apart by "\n" alone.
  const normal = insertText.replace(/\r\n?/g, "\n");
  return { insertText: normal, range: readRange(item.range), command: readCommand(item.command), raw: value };
}

/** The first usable item of an answer: a list, `{items}`, or null (LSP 3.18). */
export function readAnswer(answer: unknown): InlineItem | null {
  const items = Array.isArray(answer) ? (answer as unknown[]) : fields(answer).items;
  if (!Array.isArray(items)) return null;
  return items.length > 0 ? readItem(items[0]) : null;
}

function readReuse(value: unknown): Reuse {
  const reuse = fields(value);
  const stale = count(reuse.stale);
  return {
    kept: count(reuse.kept),
    shifted: count(reuse.shifted),
    computed: count(reuse.computed),
    repaired: count(reuse.repaired),
    stale,
    exact: typeof reuse.exact === "boolean" ? reuse.exact : stale === 0,
  };
}

function readDrafts(value: unknown): Drafts {
  const drafts = fields(value);
  const each = Array.isArray(drafts.drafters) ? drafts.drafters.map(fields) : [];
  const busiest = each.sort((a, b) => count(b.drafted) - count(a.drafted));
  return {
    drafted: count(drafts.drafted),
    accepted: count(drafts.accepted),
    passes: count(drafts.passes),
    output: count(drafts.output),
    drafters: busiest.map((one) => text(one.drafter)),
  };
}

/** The parameters of `splice/trace`, or null when they are not one. */
export function readTrace(params: unknown): Trace | null {
  const trace = fields(fields(params).trace);
  if (typeof trace.model !== "string") return null;
  return {
    model: trace.model,
    device: text(trace.device),
    weights: text(trace.weights),
    layout: text(trace.layout),
    reuse: readReuse(trace.reuse),
    drafts: readDrafts(trace.drafts),
    generated: count(trace.generated),
    queueMs: count(trace.queueMs),
    promptMs: count(trace.promptMs),
    firstTokenMs: typeof trace.firstTokenMs === "number" ? trace.firstTokenMs : null,
    totalMs: count(trace.totalMs),
    finish: text(trace.finish),
    context: Array.isArray(trace.context) ? trace.context.map(readPiece) : [],
  };
}

function readPiece(value: unknown): ContextPiece {
  const piece = fields(value);
  const { firstLine, lastLine } = piece;
  return {
    path: text(piece.path),
    firstLine: count(firstLine),
    lastLine: count(lastLine),
    why: text(piece.why),
  };
}

const STATES: readonly string[] = ["loading", "ready", "unloaded", "failed", "stopped"];

/** The parameters of `splice/status`, or null when they are not one. */
export function readStatus(params: unknown): EngineStatus | null {
  const status = fields(params);
  if (!STATES.includes(text(status.state))) return null;
  return {
    state: status.state as EngineState,
    detail: text(status.detail),
    model: optionalText(status.model),
    device: optionalText(status.device),
    weights: optionalText(status.weights),
    cache: optionalText(status.cache),
  };
}

/** A sentence out of whatever a rejected request carries. */
export function readError(reason: unknown): { code: number; message: string } {
  const { code, message } = fields(reason);
  return { code: count(code), message: text(message) || String(reason) };
}

/** LSP: the client asked for the cancellation, the server gave up, or the text had changed. */
export const QUIET_ERRORS: readonly number[] = [-32800, -32801, -32802];
