import { ChangeSet, Text } from "@codemirror/state";
import { describe, expect, it } from "vitest";
import { type Suggestion, moved, nextWord, remaining, suggest } from "../../src/inline/suggestion";
import type { InlineItem, Range } from "../../src/protocol";

function item(insertText: string, range: Range | null = null): InlineItem {
  return { insertText, range, command: null, raw: {} };
}

function span(line: number, start: number, end: number): Range {
  return { start: { line, character: start }, end: { line, character: end } };
}

function suggestion(text: string, cursor: number, insert: string): Suggestion {
  const found = suggest(item(insert), { doc: Text.of(text.split("\n")), cursor, id: 1, streaming: false });
  if (!found) throw new Error("The suggestion does not fit.");
  return found;
}

describe("suggest", () => {
  const doc = Text.of(["def f():", "    ret(x)"]);

  it("takes a plain insertion at the cursor", () => {
    const found = suggest(item("urn 1"), { doc, cursor: 16, id: 3, streaming: true });
    expect(found).toMatchObject({
      id: 3,
      from: 16,
      before: "    ret",
      after: "(x)",
      text: "urn 1",
      streaming: true,
    });
  });

  it("takes a range that starts before the cursor when its text agrees", () => {
    const found = suggest(item("    return", span(1, 0, 7)), { doc, cursor: 16, id: 1, streaming: false });
    expect(found?.from).toBe(9);
    expect(remaining(found as Suggestion, doc, 16)).toBe("urn");
  });

  it("refuses text that disagrees with what stands before the cursor", () => {
    expect(
      suggest(item("    raise", span(1, 0, 7)), { doc, cursor: 16, id: 1, streaming: false }),
    ).toBeNull();
  });

  it("leaves out what the range would replace by itself", () => {
    const found = suggest(item("urn(x)", span(1, 7, 10)), { doc, cursor: 16, id: 1, streaming: false });
    expect(found?.text).toBe("urn");
  });

  it("refuses a range that would change the text behind the cursor", () => {
    expect(suggest(item("urn", span(1, 7, 10)), { doc, cursor: 16, id: 1, streaming: false })).toBeNull();
  });

  it("refuses a range outside of the document", () => {
    for (const range of [span(5, 0, 0), span(1, 0, 99), span(-1, 0, 0)]) {
      expect(suggest(item("x", range), { doc, cursor: 16, id: 1, streaming: false })).toBeNull();
    }
  });
});

describe("remaining", () => {
  const start = "a = f\nb";
  const one = suggestion(start, 5, "oo(1)\nprint(a)");

  function after(typed: string): string | null {
    const text = start.slice(0, 5) + typed + start.slice(5);
    return remaining(one, Text.of(text.split("\n")), 5 + typed.length);
  }

  it("is shortened by every prefix that is typed, and comes back", () => {
    for (let length = one.text.length; length >= 0; length--) {
      expect(after(one.text.slice(0, length))).toBe(one.text.slice(length));
    }
  });

  it("is null when something else is typed", () => {
    expect(after("x")).toBeNull();
    expect(after("oo(2")).toBeNull();
    expect(after(`${one.text}!`)).toBeNull();
  });

  it("is null when the line around it changed", () => {
    expect(remaining(one, Text.of(["b = f", "b"]), 5)).toBeNull();
    expect(remaining(one, Text.of(["a = f)", "b"]), 5)).toBeNull();
  });

  it("moves with edits in front of it", () => {
    const changes = ChangeSet.of([{ from: 0, insert: "import os\n" }], start.length);
    const doc = changes.apply(Text.of(start.split("\n")));
    expect(remaining(moved(one, changes), doc, 15)).toBe(one.text);
  });

  it("never answers for a cursor outside of it", () => {
    const doc = Text.of(start.split("\n"));
    expect(remaining(one, doc, 4)).toBeNull();
    expect(remaining({ ...one, from: 99 }, doc, 99)).toBeNull();
  });
});

/** Half of a surrogate pair. */
const LONE = /\p{Surrogate}/u;

describe("nextWord", () => {
  function words(text: string): string[] {
    const found: string[] = [];
    for (let rest = text; rest !== ""; rest = rest.slice(nextWord(rest).length)) found.push(nextWord(rest));
    return found;
  }

  it("takes whole words with the punctuation that belongs to them", () => {
    expect(words("return fibonacci(n - 1)")).toEqual(["return", " fibonacci(", "n", " -", " 1", ")"]);
    expect(words("if n <= 1:\n        return n")).toEqual([
      "if",
      " n",
      " <=",
      " 1:",
      "\n        return",
      " n",
    ]);
    expect(words("self.items.append(x)")).toEqual(["self.", "items.", "append(", "x", ")"]);
    expect(words("größe = naïve")).toEqual(["größe", " =", " naïve"]);
  });

  it("always takes something, and never splits a character in two", () => {
    const alphabet = ["a", "1", " ", "\n", "\t", "(", ")", ".", "…", "🙂", "é", "\u00a0", "\f", "$", '"'];
    let seed = 7;
    const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
    for (let round = 0; round < 500; round++) {
      const length = 1 + Math.floor(random() * 12);
      const text = Array.from({ length }, () => alphabet[Math.floor(random() * alphabet.length)]).join("");
      const parts = words(text);
      expect(parts.join("")).toBe(text);
      for (const part of parts) expect(part).not.toMatch(LONE);
    }
  });
});
