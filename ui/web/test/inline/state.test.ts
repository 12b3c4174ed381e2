import { history, undo } from "@codemirror/commands";
import { EditorState, type TransactionSpec } from "@codemirror/state";
import { describe, expect, it } from "vitest";
import { dismiss, fittingGhost, ghostState, offer, shownGhost, withdraw } from "../../src/inline/state";
import { type Suggestion, suggest } from "../../src/inline/suggestion";

function start(doc: string): EditorState {
  return EditorState.create({ doc, selection: { anchor: doc.length }, extensions: [ghostState, history()] });
}

function make(state: EditorState, insertText: string, id = 1, streaming = false): Suggestion {
  const cursor = state.selection.main.head;
  const item = { insertText, range: null, command: null, raw: {} };
  return suggest(item, { doc: state.doc, cursor, id, streaming }) as Suggestion;
}

function run(state: EditorState, ...specs: TransactionSpec[]): EditorState {
  return specs.reduce((now, spec) => now.update(spec).state, state);
}

function type(state: EditorState, text: string): EditorState {
  return run(state, state.replaceSelection(text));
}

function backspace(state: EditorState): EditorState {
  const { head } = state.selection.main;
  return run(state, { changes: { from: head - 1, to: head } });
}

const rest = (state: EditorState) => shownGhost(state)?.rest ?? null;

describe("ghost state", () => {
  const empty = start("def f():\n    ");
  const shown = run(empty, { effects: offer.of(make(empty, "return 1")) });

  it("shows what is offered", () => {
    expect(rest(empty)).toBeNull();
    expect(rest(shown)).toBe("return 1");
  });

  it("is shortened by typing along, and brought back by backspace", () => {
    const typed = type(type(shown, "r"), "et");
    expect(rest(typed)).toBe("urn 1");
    expect(rest(backspace(typed))).toBe("turn 1");
  });

  it("is hidden by other text, and brought back when that is deleted", () => {
    const other = type(shown, "x");
    expect(rest(other)).toBeNull();
    expect(rest(backspace(other))).toBe("return 1");
  });

  it("fits with nothing left when all of it was typed", () => {
    const all = type(shown, "return 1");
    expect(shownGhost(all)).toBeNull();
    expect(fittingGhost(all)?.rest).toBe("");
  });

  it("comes back when accepting is undone", () => {
    let state = type(shown, "return 1");
    undo({ state, dispatch: (tr) => (state = tr.state) });
    expect(rest(state)).toBe("return 1");
  });

  it("is gone after a dismissal, also for typing along", () => {
    const gone = run(shown, { effects: dismiss.of(null) });
    expect(rest(gone)).toBeNull();
    expect(rest(type(gone, "r"))).toBeNull();
  });

  it("is gone when the cursor walks away and returns", () => {
    const away = run(shown, { selection: { anchor: 0 } });
    expect(rest(away)).toBeNull();
    expect(rest(run(away, { selection: { anchor: shown.doc.length } }))).toBeNull();
  });

  it("is not shown beside a selection", () => {
    expect(rest(run(shown, { selection: { anchor: 0, head: shown.doc.length } }))).toBeNull();
  });

  it("grows while the answer streams, and a new question's answer comes first", () => {
    const grown = run(shown, { effects: offer.of(make(empty, "return 1 + 2")) });
    expect(rest(grown)).toBe("return 1 + 2");
    const newer = run(grown, { effects: offer.of(make(empty, "pass", 2)) });
    expect(rest(newer)).toBe("pass");
    expect(rest(run(newer, { effects: withdraw.of(2) }))).toBe("return 1 + 2");
  });

  it("follows edits in front of it", () => {
    const later = run(shown, { changes: { from: 0, insert: "# one\n" } });
    expect(rest(later)).toBe("return 1");
  });
});
