/** The dialog of keyboard shortcuts, and how keys are called on this machine. */

import { element } from "./dom";

export function isMac(platform: string): boolean {
  return /mac|iphone|ipad/i.test(platform);
}

/** Each shortcut as key caps, and what it does. */
export function shortcuts(mac: boolean): readonly { keys: readonly string[]; does: string }[] {
  const mod = mac ? "⌘" : "Ctrl";
  const alt = mac ? "⌥" : "Alt";
  return [
    { keys: ["Tab"], does: "Accept the grey text; indent when there is none" },
    { keys: [mod, "→"], does: "Accept one word of it" },
    { keys: ["Esc"], does: "Dismiss it" },
    { keys: [alt, "\\"], does: "Ask for a completion here" },
    { keys: ["Esc", "Tab"], does: "Leave the editor" },
    { keys: [mod, "Z"], does: "Undo" },
    { keys: [mod, "/"], does: "Comment or uncomment lines" },
    { keys: ["F1"], does: "Show these shortcuts" },
  ];
}

function row(keys: readonly string[], does: string): Node[] {
  const term = document.createElement("dt");
  for (const key of keys) {
    const cap = document.createElement("kbd");
    cap.textContent = key;
    term.append(cap);
  }
  const meaning = document.createElement("dd");
  meaning.textContent = does;
  return [term, meaning];
}

/** Fills the dialog and opens it by its button or F1; the focus returns to where it was. */
export function keysDialog(mac: boolean): void {
  const dialog = element("keys") as HTMLDialogElement;
  element("key-list").replaceChildren(...shortcuts(mac).flatMap(({ keys, does }) => row(keys, does)));
  for (const cap of document.querySelectorAll("[data-key=word]")) cap.textContent = mac ? "⌘ →" : "Ctrl →";
  const open = () => {
    if (!dialog.open) dialog.showModal();
  };
  element("help").addEventListener("click", open);
  element("keys-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  window.addEventListener("keydown", (event) => {
    if (event.key !== "F1") return;
    event.preventDefault();
    open();
  });
}
