/** The language picker, the choice between sample and empty file, and Reset. */

import type { EditorState } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";
import { LANGUAGES } from "../samples/languages";
import { element } from "./dom";
import { type FileChoice, type Files, type Kind, languageOf } from "./files";

const KEY = "splice.language";

export interface PickerParts {
  view: EditorView;
  files: Files;
  opened: (state: EditorState) => void;
  failed: (sentence: string) => void;
}

function remembered(): string {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

function remember(id: string): void {
  try {
    localStorage.setItem(KEY, id);
  } catch {
    // Storage may be refused; the next visit then starts with the first language.
  }
}

function fill(select: HTMLSelectElement): void {
  for (const { id, label } of LANGUAGES) select.append(new Option(label, id));
  select.value = languageOf(remembered()).id;
}

function chosenKind(): Kind {
  return document.querySelector<HTMLInputElement>("input[name=kind]:checked")?.value === "empty"
    ? "empty"
    : "sample";
}

export function filePicker({ view, files, opened, failed }: PickerParts): void {
  const select = element("language") as HTMLSelectElement;
  fill(select);
  const chosen = (): FileChoice => ({ language: languageOf(select.value), kind: chosenKind() });
  let shown: FileChoice | null = null;

  async function open(choice: FileChoice): Promise<void> {
    try {
      const state = await files.open(choice);
      const current = chosen();
      if (current.language !== choice.language || current.kind !== choice.kind) return;
      if (shown) files.keep(shown, view.state);
      shown = choice;
      view.setState(state);
      view.dispatch({ scrollIntoView: true });
      opened(state);
    } catch {
      failed(`${choice.language.label} could not be loaded. Is the server still running?`);
    }
  }

  select.addEventListener("change", () => {
    remember(select.value);
    void open(chosen());
  });
  for (const radio of document.querySelectorAll("input[name=kind]")) {
    radio.addEventListener("change", () => void open(chosen()));
  }
  element("reset").addEventListener("click", () => {
    shown = null;
    files.forget(chosen());
    void open(chosen()).then(() => view.focus());
  });
  void open(chosen()).then(() => view.focus());
}
