/** The languages of the picker: how they are called, highlighted and indented. */

import { type Language, LanguageSupport, StreamLanguage } from "@codemirror/language";

export interface LanguageChoice {
  /** LSP's language identifier. */
  id: string;
  label: string;
  /** The sample's file name below `files/`. */
  file: string;
  indent: string;
  support(): Promise<LanguageSupport>;
}

function wrap(language: Language): LanguageSupport {
  return new LanguageSupport(language);
}

const clike = () => import("@codemirror/legacy-modes/mode/clike");
const TWO = "  ";
const FOUR = "    ";

export const LANGUAGES: readonly LanguageChoice[] = [
  {
    id: "python",
    label: "Python",
    file: "word_count.py",
    indent: FOUR,
    support: async () => (await import("@codemirror/lang-python")).python(),
  },
  {
    id: "typescript",
    label: "TypeScript",
    file: "event_bus.ts",
    indent: TWO,
    support: async () => (await import("@codemirror/lang-javascript")).javascript({ typescript: true }),
  },
  {
    id: "javascript",
    label: "JavaScript",
    file: "debounce.js",
    indent: TWO,
    support: async () => (await import("@codemirror/lang-javascript")).javascript({ jsx: true }),
  },
  {
    id: "rust",
    label: "Rust",
    file: "stack.rs",
    indent: FOUR,
    support: async () => (await import("@codemirror/lang-rust")).rust(),
  },
  {
    id: "go",
    label: "Go",
    file: "server.go",
    indent: "\t",
    support: async () => (await import("@codemirror/lang-go")).go(),
  },
  {
    id: "c",
    label: "C",
    file: "list.c",
    indent: FOUR,
    support: async () => (await import("@codemirror/lang-cpp")).cpp(),
  },
  {
    id: "cpp",
    label: "C++",
    file: "matrix.cpp",
    indent: FOUR,
    support: async () => (await import("@codemirror/lang-cpp")).cpp(),
  },
  {
    id: "java",
    label: "Java",
    file: "Account.java",
    indent: FOUR,
    support: async () => (await import("@codemirror/lang-java")).java(),
  },
  {
    id: "csharp",
    label: "C#",
    file: "Inventory.cs",
    indent: FOUR,
    support: async () => wrap(StreamLanguage.define((await clike()).csharp)),
  },
  {
    id: "kotlin",
    label: "Kotlin",
    file: "Shapes.kt",
    indent: FOUR,
    support: async () => wrap(StreamLanguage.define((await clike()).kotlin)),
  },
  {
    id: "ruby",
    label: "Ruby",
    file: "roman.rb",
    indent: TWO,
    support: async () =>
      wrap(StreamLanguage.define((await import("@codemirror/legacy-modes/mode/ruby")).ruby)),
  },
  {
    id: "lua",
    label: "Lua",
    file: "queue.lua",
    indent: TWO,
    support: async () => wrap(StreamLanguage.define((await import("@codemirror/legacy-modes/mode/lua")).lua)),
  },
  {
    id: "shellscript",
    label: "Bash",
    file: "backup.sh",
    indent: TWO,
    support: async () =>
      wrap(StreamLanguage.define((await import("@codemirror/legacy-modes/mode/shell")).shell)),
  },
  {
    id: "html",
    label: "HTML",
    file: "signup.html",
    indent: TWO,
    support: async () => (await import("@codemirror/lang-html")).html(),
  },
  {
    id: "css",
    label: "CSS",
    file: "card.css",
    indent: TWO,
    support: async () => (await import("@codemirror/lang-css")).css(),
  },
  {
    id: "sql",
    label: "SQL",
    file: "orders.sql",
    indent: TWO,
    support: async () => (await import("@codemirror/lang-sql")).sql(),
  },
  {
    id: "json",
    label: "JSON",
    file: "station.json",
    indent: TWO,
    support: async () => (await import("@codemirror/lang-json")).json(),
  },
  {
    id: "yaml",
    label: "YAML",
    file: "workflow.yml",
    indent: TWO,
    support: async () => (await import("@codemirror/lang-yaml")).yaml(),
  },
  {
    id: "markdown",
    label: "Markdown",
    file: "notes.md",
    indent: TWO,
    support: async () => (await import("@codemirror/lang-markdown")).markdown(),
  },
];
