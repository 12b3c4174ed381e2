/** Which document is in the editor: a sample or an empty file of the chosen language. */

import { LanguageSupport } from "@codemirror/language";
import type { EditorState, Extension } from "@codemirror/state";
import { editorState } from "../editor/editor";
import { LANGUAGES, type LanguageChoice } from "../samples/languages";
import { loadSample } from "../samples/samples";

export type Kind = "sample" | "empty";

export interface FileChoice {
  language: LanguageChoice;
  kind: Kind;
}

export function languageOf(id: string): LanguageChoice {
  const found = LANGUAGES.find((language) => language.id === id) ?? LANGUAGES[0];
  if (!found) throw new Error("No language is known.");
  return found;
}

/** A name of its own for every browser tab, so that two tabs are two documents to the server. */
export function uriOf({ language, kind }: FileChoice, tab: string): string {
  const ending = language.file.slice(language.file.lastIndexOf("."));
  const name = kind === "sample" ? language.file : `untitled${ending}`;
  return `file:///playground/${tab}/${name}`;
}

/** Makes editor states, and keeps those that were left, with their text and their undo history. */
export class Files {
  private readonly left = new Map<string, EditorState>();

  constructor(
    private readonly tab: string,
    /** What connects a document to the server. */
    private readonly connect: (uri: string, languageId: string) => Extension,
  ) {}

  keep(choice: FileChoice, state: EditorState): void {
    this.left.set(uriOf(choice, this.tab), state);
  }

  forget(choice: FileChoice): void {
    this.left.delete(uriOf(choice, this.tab));
  }

  /** The document as it was left, or as it begins. Rejects when the server cannot be reached for it. */
  async open(choice: FileChoice): Promise<EditorState> {
    const { language, kind } = choice;
    const uri = uriOf(choice, this.tab);
    const known = this.left.get(uri);
    if (known) return known;
    const [support, sample] = await Promise.all<[Promise<LanguageSupport>, ReturnType<typeof loadSample>]>([
      language.support(),
      kind === "sample" ? loadSample(language.file) : Promise.resolve({ text: "", cursor: 0 }),
    ]);
    const extensions = [support, this.connect(uri, language.id)];
    return editorState({ ...sample, indent: language.indent, extensions });
  }
}
