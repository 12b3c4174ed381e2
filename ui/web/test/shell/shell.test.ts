import { describe, expect, it } from "vitest";
import { announcement } from "../../src/shell/announce";
import { languageOf, uriOf } from "../../src/shell/files";
import { isMac, shortcuts } from "../../src/shell/keys";
import { following } from "../../src/shell/theme";

describe("announcement", () => {
  it("reads the first line that says something, and counts the rest", () => {
    expect(announcement("return 1")).toBe("Suggestion: return 1. Tab accepts.");
    expect(announcement("\n    a\n\n    b")).toBe("Suggestion: a, 2 lines. Tab accepts.");
    expect(announcement("x".repeat(500)).length).toBeLessThan(140);
  });
});

describe("files", () => {
  it("have a name of their own in every tab", () => {
    const python = languageOf("python");
    expect(uriOf({ language: python, kind: "sample" }, "t1")).toBe("file:///playground/t1/word_count.py");
    expect(uriOf({ language: python, kind: "empty" }, "t2")).toBe("file:///playground/t2/untitled.py");
  });

  it("begin with the first language where none is known", () => {
    expect(languageOf("cobol").id).toBe("python");
  });
});

describe("keys", () => {
  it("are called by the machine's names", () => {
    expect(isMac("MacIntel")).toBe(true);
    expect(isMac("Linux x86_64")).toBe(false);
    expect(shortcuts(true).flatMap(({ keys }) => keys)).toContain("⌘");
    expect(shortcuts(false).flatMap(({ keys }) => keys)).toContain("Ctrl");
  });
});

describe("theme", () => {
  it("goes round", () => {
    expect(following("system")).toBe("light");
    expect(following(following(following("system")))).toBe("system");
  });
});
