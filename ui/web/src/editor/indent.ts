/** Enter indents by itself; spaces typed for the same indentation are not added to it. */

import { insertNewlineAndIndent } from "@codemirror/commands";
import { type Extension, Prec, StateEffect, StateField } from "@codemirror/state";
import { type Command, EditorView, keymap } from "@codemirror/view";

const owe = StateEffect.define<number>();

/** How many typed spaces the indentation at the cursor already stands for; any other edit or move ends it. */
const owed = StateField.define<number>({
  create: () => 0,
  update(value, tr) {
    for (const effect of tr.effects) if (effect.is(owe)) return effect.value;
    return tr.docChanged || tr.selection ? 0 : value;
  },
});

const newline: Command = (view) => {
  if (!insertNewlineAndIndent(view)) return false;
  const { doc, selection } = view.state;
  const { head } = selection.main;
  const indentation = doc.sliceString(doc.lineAt(head).from, head);
  if (/^ +$/.test(indentation)) view.dispatch({ effects: owe.of(indentation.length) });
  return true;
};

const absorb = EditorView.inputHandler.of((view, from, to, text) => {
  const left = view.state.field(owed) - text.length;
  if (from !== to || left < 0 || !/^ +$/.test(text)) return false;
  view.dispatch({ effects: owe.of(left) });
  return true;
});

/** People who type `⏎` and then the indentation get the same text as those who type `⏎` alone. */
export const indentOnce: Extension = [
  owed,
  Prec.highest(absorb),
  Prec.high(keymap.of([{ key: "Enter", run: newline }])),
];
