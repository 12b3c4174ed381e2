/** An editor for code: what any document here gets, whatever its language. */

import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, indentOnInput, indentUnit } from "@codemirror/language";
import { EditorState, type Extension } from "@codemirror/state";
import {
  EditorView,
  drawSelection,
  dropCursor,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  placeholder,
} from "@codemirror/view";
import { indentOnce } from "./indent";
import { look } from "./look";

export interface DocumentSetup {
  text: string;
  cursor: number;
  /** What one step of indentation is: spaces, or a tab. */
  indent: string;
  /** Highlighting, the language client's plugin, ghost text. */
  extensions: Extension;
}

const common: Extension = [
  lineNumbers(),
  highlightActiveLineGutter(),
  highlightSpecialChars(),
  history(),
  drawSelection(),
  dropCursor(),
  indentOnInput(),
  bracketMatching(),
  closeBrackets(),
  highlightActiveLine(),
  EditorView.lineWrapping,
  EditorState.tabSize.of(4),
  indentOnce,
  keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, indentWithTab]),
  EditorView.contentAttributes.of({
    "aria-label": "Code",
    "aria-describedby": "editor-keys",
    spellcheck: "false",
    autocorrect: "off",
    autocapitalize: "off",
  }),
  look,
];

export function editorState(setup: DocumentSetup): EditorState {
  return EditorState.create({
    doc: setup.text,
    selection: { anchor: setup.cursor },
    extensions: [
      setup.extensions,
      common,
      indentUnit.of(setup.indent),
      placeholder("Start typing. Suggestions appear as grey text; Tab accepts them."),
    ],
  });
}
