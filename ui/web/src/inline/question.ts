/** One question on its way to the server, and who wants to know about it. */

import type { ChangeDesc, EditorState, Text } from "@codemirror/state";
import { type InlineItem, readAnswer } from "../protocol";
import { type Suggestion, moved, remaining, suggest } from "./suggestion";

/** LSP 3.18 `InlineCompletionTriggerKind`. */
export const INVOKED = 1;
export const AUTOMATIC = 2;
export type Trigger = typeof INVOKED | typeof AUTOMATIC;

export type Outcome = "text" | "nothing" | "late";

/** What the page around the editor is told; times in milliseconds since the question was sent. */
export interface InlineObserver {
  asked?(): void;
  firstText?(ms: number): void;
  answered?(outcome: Outcome, ms: number): void;
  failed?(sentence: string): void;
  accepted?(how: "all" | "word"): void;
  /** An edit was met from what is known: no question was sent. */
  local?(): void;
  /** The ghost text on the screen changed; null when none is left. */
  shown?(text: string | null, complete: boolean): void;
}

export class Question {
  /** Whether some text of the answer was seen. */
  heard = false;
  /** The shown part was accepted while more was coming: the item's command waits for the end. */
  acceptedEarly = false;
  private changes: ChangeDesc | null = null;

  constructor(
    readonly id: number,
    readonly params: object,
    private readonly at: { readonly doc: Text; readonly cursor: number; readonly time: number },
  ) {}

  /** Milliseconds since the question was sent. */
  age(now: number): number {
    return now - this.at.time;
  }

  /** Remembers an edit made after the question was sent. */
  edited(changes: ChangeDesc): void {
    this.changes = this.changes ? this.changes.composeDesc(changes) : changes;
  }

  /**
   * The answer replayed over the edits made meanwhile: a suggestion in coordinates of `state`;
   * null when the answer is empty; `"late"` when it no longer fits.
   */
  replay(answer: unknown, state: EditorState, streaming: boolean): Suggestion | "late" | null {
    const item: InlineItem | null = readAnswer(answer);
    if (item === null) return null;
    const first = suggest(item, { doc: this.at.doc, cursor: this.at.cursor, id: this.id, streaming });
    if (first === null) return "late";
    const suggestion = this.changes ? moved(first, this.changes) : first;
    const { main } = state.selection;
    return main.empty && remaining(suggestion, state.doc, main.head) !== null ? suggestion : "late";
  }
}
