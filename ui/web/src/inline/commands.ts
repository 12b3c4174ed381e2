/** What keys and buttons do with ghost text. Each returns false when none is shown. */

import type { Command, KeyBinding } from "@codemirror/view";
import { EditorView } from "@codemirror/view";
import { accepted, dismiss, shownGhost } from "./state";
import { nextWord } from "./suggestion";

function take(view: EditorView, text: string, how: "all" | "word"): boolean {
  const { head } = view.state.selection.main;
  view.dispatch({
    changes: { from: head, insert: text },
    selection: { anchor: head + text.length },
    annotations: accepted.of(how),
    userEvent: "input.complete",
    scrollIntoView: true,
  });
  return true;
}

export const acceptAll: Command = (view) => {
  const ghost = shownGhost(view.state);
  return ghost !== null && take(view, ghost.rest, "all");
};

export const acceptWord: Command = (view) => {
  const ghost = shownGhost(view.state);
  return ghost !== null && take(view, nextWord(ghost.rest), "word");
};

export const dismissGhost: Command = (view) => {
  if (!shownGhost(view.state)) return false;
  view.dispatch({ effects: dismiss.of(null) });
  return true;
};

function typeAlong(view: EditorView, text: string): void {
  const { head } = view.state.selection.main;
  view.dispatch({
    changes: { from: head, insert: text },
    selection: { anchor: head + text.length },
    userEvent: "input.type",
    scrollIntoView: true,
  });
}

/** Enter along the ghost text takes its line break with the indentation behind it. */
const enterAlong: Command = (view) => {
  const lineBreak = /^\n[ \t]*/.exec(shownGhost(view.state)?.rest ?? "")?.[0];
  if (lineBreak === undefined) return false;
  typeAlong(view, lineBreak);
  return true;
};

export const ghostKeys: readonly KeyBinding[] = [
  { key: "Tab", run: acceptAll },
  { key: "Mod-ArrowRight", run: acceptWord },
  { key: "Escape", run: dismissGhost },
  { key: "Enter", run: enterAlong },
];

/** Typing along the ghost text inserts just that, without closing brackets of its own. */
export const typeAlongGhost = EditorView.inputHandler.of((view, from, to, text) => {
  const { head } = view.state.selection.main;
  if (from !== head || to !== head || view.composing) return false;
  if (shownGhost(view.state)?.rest.startsWith(text) !== true) return false;
  typeAlong(view, text);
  return true;
});
