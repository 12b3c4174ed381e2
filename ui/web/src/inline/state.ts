/** Which suggestions are known and which one is shown: editor state, changed by transactions only. */

import {
  Annotation,
  type EditorState,
  type Extension,
  StateEffect,
  StateField,
  type Transaction,
} from "@codemirror/state";
import { Decoration, EditorView } from "@codemirror/view";
import { GhostWidget } from "./widget";
import { type Suggestion, moved, remaining } from "./suggestion";

/** A suggestion in coordinates of the transaction's new document; replaces that of equal id. */
export const offer = StateEffect.define<Suggestion>();

/** The answer of this id turned out to be nothing. */
export const withdraw = StateEffect.define<number>();

/** The user wants none of what is shown. */
export const dismiss = StateEffect.define();

/** Marks a transaction that takes ghost text into the document. */
export const accepted = Annotation.define<"all" | "word">();

/** What is seen: `rest` of `suggestion` at the cursor. */
export interface Ghost {
  readonly suggestion: Suggestion;
  readonly rest: string;
}

interface Known {
  /** Newest first. */
  readonly suggestions: readonly Suggestion[];
  /** The newest suggestion that fits; its `rest` may be empty. */
  readonly fitting: Ghost | null;
}

/** Enough for backspace and undo to find what was shown before. */
const KEPT = 8;

const NOTHING: Known = { suggestions: [], fitting: null };

function fit(suggestions: readonly Suggestion[], state: EditorState): Ghost | null {
  const { main, ranges } = state.selection;
  if (ranges.length > 1 || !main.empty) return null;
  for (const suggestion of suggestions) {
    const rest = remaining(suggestion, state.doc, main.head);
    if (rest !== null) return { suggestion, rest };
  }
  return null;
}

function apply(suggestions: readonly Suggestion[], tr: Transaction): readonly Suggestion[] {
  let next = tr.docChanged ? suggestions.map((one) => moved(one, tr.changes)) : suggestions;
  // A cursor that walks away leaves the ghost text behind for good.
  const walked = tr.newSelection.main.head !== tr.startState.selection.main.head;
  if (!tr.docChanged && walked) next = [];
  for (const effect of tr.effects) {
    if (effect.is(dismiss)) next = [];
    if (effect.is(withdraw)) next = next.filter((one) => one.id !== effect.value);
    if (effect.is(offer)) {
      next = [effect.value, ...next.filter((one) => one.id !== effect.value.id)].slice(0, KEPT);
    }
  }
  return next;
}

const known = StateField.define<Known>({
  create: () => NOTHING,
  update(value, tr) {
    const suggestions = apply(value.suggestions, tr);
    if (suggestions === value.suggestions && !tr.docChanged && !tr.selection) return value;
    return { suggestions, fitting: fit(suggestions, tr.state) };
  },
  provide: (field) =>
    EditorView.decorations.compute([field, "selection"], (state) => {
      const ghost = shownGhost(state);
      if (!ghost) return Decoration.none;
      const widget = Decoration.widget({ widget: new GhostWidget(ghost.rest), side: 1 });
      return Decoration.set([widget.range(state.selection.main.head)]);
    }),
});

/** The ghost text on the screen, or null. */
export function shownGhost(state: EditorState): Ghost | null {
  const fitting = state.field(known, false)?.fitting ?? null;
  return fitting !== null && fitting.rest !== "" ? fitting : null;
}

/** The newest suggestion that agrees with the document, even when all of it was typed. */
export function fittingGhost(state: EditorState): Ghost | null {
  return state.field(known, false)?.fitting ?? null;
}

export const ghostState: Extension = known;
