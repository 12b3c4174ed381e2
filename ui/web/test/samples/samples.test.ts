import { EditorState } from "@codemirror/state";
import { ensureSyntaxTree } from "@codemirror/language";
import { describe, expect, it } from "vitest";
import { LANGUAGES } from "../../src/samples/languages";
import { CURSOR_MARK, loadSample, parseSample } from "../../src/samples/samples";

describe("parseSample", () => {
  it("takes the mark out and puts the cursor there", () => {
    expect(parseSample(`a${CURSOR_MARK}b`)).toEqual({ text: "ab", cursor: 1 });
    expect(parseSample("ab")).toEqual({ text: "ab", cursor: 2 });
  });
});

describe("languages", () => {
  it("have names of their own", () => {
    expect(new Set(LANGUAGES.map(({ id }) => id)).size).toBe(LANGUAGES.length);
    expect(new Set(LANGUAGES.map(({ file }) => file)).size).toBe(LANGUAGES.length);
  });

  it.each(LANGUAGES)("$label has a sample with a place to type, and highlighting", async (language) => {
    const { text, cursor } = await loadSample(language.file);
    expect(text).not.toContain(CURSOR_MARK);
    expect(text.endsWith("\n")).toBe(true);
    expect(cursor).toBeLessThan(text.length);
    const state = EditorState.create({ doc: text, extensions: await language.support() });
    const tree = ensureSyntaxTree(state, text.length, 5_000);
    expect(tree?.topNode.firstChild).not.toBeNull();
  });
});
