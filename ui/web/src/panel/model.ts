/** What the page shows around the editor: one value, changed by plain functions. Pure. */

import type { Outcome } from "../inline/question";
import type { EngineStatus, Trace } from "../protocol";
import { NONE, plural } from "./format";

export type Link =
  { kind: "connecting" } | { kind: "open" } | { kind: "lost"; sentence: string; retrying: boolean };

/** The last question that was asked, as this browser saw it. */
export type Asking =
  | { kind: "none" }
  | { kind: "waiting" }
  | { kind: "streaming" }
  | { kind: "done"; outcome: Outcome }
  | { kind: "failed"; sentence: string };

export interface Past {
  firstMs: number | null;
  totalMs: number;
}

export interface Model {
  link: Link;
  engine: EngineStatus | null;
  asking: Asking;
  trace: Trace | null;
  /** Oldest first. */
  past: readonly Past[];
  asked: number;
  accepted: number;
  /** Edits that were met without asking. */
  local: number;
}

/** Bars in the panel's little chart. */
export const PAST_KEPT = 32;

export const START: Model = {
  link: { kind: "connecting" },
  engine: null,
  asking: { kind: "none" },
  trace: null,
  past: [],
  asked: 0,
  accepted: 0,
  local: 0,
};

/** A trace tells about the engine too, should a status have been missed. */
export function withTrace(model: Model, trace: Trace): Model {
  const past = [...model.past, { firstMs: trace.firstTokenMs, totalMs: trace.totalMs }].slice(-PAST_KEPT);
  const { model: name, device, weights } = trace;
  const cache = model.engine?.cache ?? null;
  const engine: EngineStatus = { state: "ready", detail: "", model: name, device, weights, cache };
  return { ...model, trace, past, engine };
}

export type Tone = "good" | "busy" | "bad" | "idle";

/** The one sentence on the connection and the engine, and the colour of its dot. */
export function headline(model: Model): { tone: Tone; short: string; sentence: string } {
  const { link, engine } = model;
  if (link.kind === "connecting")
    return { tone: "busy", short: "Connecting", sentence: "Connecting to the server." };
  if (link.kind === "lost") {
    const more = link.retrying ? " Trying again. You can go on typing." : "";
    return {
      tone: "bad",
      short: link.retrying ? "Disconnected" : "No access",
      sentence: link.sentence + more,
    };
  }
  switch (engine?.state) {
    case undefined:
      return { tone: "good", short: "Connected", sentence: "Connected." };
    case "loading":
      return { tone: "busy", short: "Loading", sentence: engine.detail || "The model is being loaded." };
    case "unloaded": {
      const own = "The model is unloaded and comes back with the next request.";
      return { tone: "idle", short: "Unloaded", sentence: engine.detail || own };
    }
    case "failed":
      return { tone: "bad", short: "Failed", sentence: engine.detail || "The model could not be loaded." };
    case "stopped":
      return { tone: "bad", short: "Stopped", sentence: engine.detail || "The engine was stopped." };
    case "ready":
      return { tone: "good", short: "Ready", sentence: engine.detail || "The model is ready." };
  }
}

/** What happened with the last question, as a sentence; empty when the numbers say it. */
export function lastSentence({ asking, trace }: Model): string {
  switch (asking.kind) {
    case "none":
      return "No completion yet: type something.";
    case "waiting":
      return "Asking the model…";
    case "streaming":
      return "The model is writing…";
    case "failed":
      return asking.sentence;
    case "done":
      if (asking.outcome === "nothing") return "The model had nothing to add here.";
      return asking.outcome === "late" ? "Dropped: the text had moved on." : finishSentence(trace);
  }
}

/** Whether the last answer is that of a computation from scratch, in few words. */
export function exactness(trace: Trace | null): string {
  if (trace === null) return NONE;
  const { exact, stale } = trace.reuse;
  return exact ? "exact" : `approximate, ${plural(stale, "token")} stale`;
}

/** How many drafted tokens the model took, and who drafted them. */
export function drafted(trace: Trace | null): string {
  if (trace === null) return NONE;
  const { drafted, accepted, drafters } = trace.drafts;
  if (drafted === 0) return "none";
  const names = drafters.map((name) => name.replace("_", " ")).join(", ");
  return `${accepted} of ${plural(drafted, "token")} (${names})`;
}

/** Tokens that a pass of the model gave, behind the first. */
export function aPass(trace: Trace | null): string {
  const { passes = 0, output = 0 } = trace?.drafts ?? {};
  return passes > 0 ? (output / passes).toFixed(1) : NONE;
}

/** The lines of other files that the model saw. */
export function context(trace: Trace | null): string {
  if (trace === null) return NONE;
  const pieces = trace.context.map(
    ({ path, firstLine, lastLine, why }) => `${path}:${firstLine}–${lastLine} (${why})`,
  );
  return pieces.join(", ") || "none";
}

const FINISH: Readonly<Record<string, string>> = {
  end_token: "Ended where the model said so.",
  line: "Ended with the line.",
  block: "Ended with the block.",
  suffix: "Ended where your own text goes on.",
  repetition: "Ended where it began to repeat itself.",
  tokens: "Ended at the token limit.",
  time: "Ended at the time limit.",
};

function finishSentence(trace: Trace | null): string {
  return trace ? (FINISH[trace.finish] ?? "Completed.") : "Completed.";
}
