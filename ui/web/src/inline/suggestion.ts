/** One answer of the model and where it belongs. Pure: text in, text out. */

import type { ChangeDesc, Text } from "@codemirror/state";
import type { InlineItem } from "../protocol";

/**
 * `text` belongs at `from`, between `before` and `after` (the rest of that line on both sides).
 * The suggestion fits a document as long as those three still agree with it.
 */
export interface Suggestion {
  readonly id: number;
  readonly from: number;
  readonly before: string;
  readonly after: string;
  readonly text: string;
  /** Whether more text of the same answer may follow. */
  readonly streaming: boolean;
  readonly item: InlineItem;
}

/** The offset of an LSP position, or null when the document has no such place. */
export function offsetAt(doc: Text, position: { line: number; character: number }): number | null {
  if (position.line < 0 || position.line >= doc.lines) return null;
  const line = doc.line(position.line + 1);
  if (position.character < 0 || position.character > line.length) return null;
  return line.from + position.character;
}

export function positionAt(doc: Text, offset: number): { line: number; character: number } {
  const line = doc.lineAt(offset);
  return { line: line.number - 1, character: offset - line.from };
}

/** What an answer to a request at `cursor` of `doc` suggests; null when it does not fit there. */
export function suggest(
  item: InlineItem,
  at: { doc: Text; cursor: number; id: number; streaming: boolean },
): Suggestion | null {
  const { doc, cursor } = at;
  const from = item.range ? offsetAt(doc, item.range.start) : cursor;
  const to = item.range ? offsetAt(doc, item.range.end) : cursor;
  if (from === null || to === null || from > cursor || to < cursor) return null;
  // The range may reach over text behind the cursor if the item repeats that text at its end.
  const replaced = doc.sliceString(cursor, to);
  if (!item.insertText.endsWith(replaced)) return null;
  const text = item.insertText.slice(0, item.insertText.length - replaced.length);
  if (!text.startsWith(doc.sliceString(from, cursor))) return null;
  const line = doc.lineAt(from);
  return {
    id: at.id,
    from,
    before: doc.sliceString(line.from, from),
    after: doc.sliceString(cursor, doc.lineAt(cursor).to),
    text,
    streaming: at.streaming,
    item,
  };
}

/** The same suggestion after an edit; whether it still fits is asked of `remaining`. */
export function moved(suggestion: Suggestion, changes: ChangeDesc): Suggestion {
  return changes.empty ? suggestion : { ...suggestion, from: changes.mapPos(suggestion.from, -1) };
}

/**
 * What of the suggestion is still to come at `cursor`: all of it, less after typing along, empty
 * when everything stands in the document, null when document and suggestion disagree.
 */
export function remaining(suggestion: Suggestion, doc: Text, cursor: number): string | null {
  const { from, text } = suggestion;
  if (from > doc.length || cursor < from || cursor > from + text.length) return null;
  if (doc.sliceString(doc.lineAt(from).from, from) !== suggestion.before) return null;
  if (doc.sliceString(cursor, doc.lineAt(cursor).to) !== suggestion.after) return null;
  const typed = doc.sliceString(from, cursor);
  return text.startsWith(typed) ? text.slice(typed.length) : null;
}

// A word with the blanks before it and the brackets it opens; a number; a run of one kind of
// punctuation; a line break with the indentation behind it.
const WORD =
  /^(?:\n[ \t]*)?(?:[ \t]*)(?:[\p{L}\p{M}\p{N}_$]+(?:[([{<]|[.,:;](?![.,:;]))?|[^\p{L}\p{M}\p{N}_$\s]+)?/u;

/** The part of ghost text that "accept a word" takes: never empty for a text that is not. */
export function nextWord(text: string): string {
  const match = WORD.exec(text)?.[0] ?? "";
  return match === "" ? (/^\s+/.exec(text)?.[0] ?? text.slice(0, 1)) : match;
}
