// @vitest-environment happy-dom
import { python } from "@codemirror/lang-python";
import { indentUnit } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { EditorView, runScopeHandlers } from "@codemirror/view";
import { describe, expect, it } from "vitest";
import { indentOnce } from "../../src/editor/indent";

function open(doc: string): EditorView {
  const state = EditorState.create({
    doc,
    selection: { anchor: doc.length },
    extensions: [python(), indentUnit.of("    "), indentOnce],
  });
  return new EditorView({ state });
}

function enter(view: EditorView): void {
  expect(runScopeHandlers(view, new KeyboardEvent("keydown", { key: "Enter" }), "editor")).toBe(true);
}

/** Types as the browser does: input handlers first, then a plain insertion. */
function type(view: EditorView, text: string): void {
  for (const key of text) {
    const { head } = view.state.selection.main;
    const insert = () => view.state.update(view.state.replaceSelection(key), { userEvent: "input.type" });
    const handled = view.state
      .facet(EditorView.inputHandler)
      .some((handler) => handler(view, head, head, key, insert));
    if (!handled) view.dispatch(insert());
  }
}

describe("indentOnce", () => {
  it("does not add spaces typed for the indentation that Enter made", () => {
    const view = open("def fibonacci(n):");
    enter(view);
    expect(view.state.doc.toString()).toBe("def fibonacci(n):\n    ");
    type(view, "    ");
    expect(view.state.doc.toString()).toBe("def fibonacci(n):\n    ");
    type(view, "return n");
    expect(view.state.doc.toString()).toBe("def fibonacci(n):\n    return n");
  });

  it("adds the spaces that are more than it", () => {
    const view = open("def f():");
    enter(view);
    type(view, "      x");
    expect(view.state.doc.toString()).toBe("def f():\n      x");
  });

  it("is over after any other edit or move", () => {
    const view = open("def f():");
    enter(view);
    type(view, "x ");
    expect(view.state.doc.toString()).toBe("def f():\n    x ");
    enter(view);
    view.dispatch({ selection: { anchor: view.state.doc.length } });
    type(view, " ");
    expect(view.state.doc.toString().endsWith("\n     ")).toBe(true);
  });

  it("owes nothing where Enter made no indentation", () => {
    const view = open("x = 1");
    enter(view);
    type(view, "  ");
    expect(view.state.doc.toString()).toBe("x = 1\n  ");
  });
});
