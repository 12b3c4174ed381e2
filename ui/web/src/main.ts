/** Puts the page together: connection, editor, panel, and the controls around them. */

import { EditorView } from "@codemirror/view";
import { pageConnection } from "./connection/connection";
import { acceptAll, acceptWord, dismissGhost } from "./inline/commands";
import { inlineCompletions } from "./inline/requester";
import { searchPane } from "./search/pane";
import { summaryPane } from "./summary/pane";
import { announce, announcement } from "./shell/announce";
import { pageNonce } from "./shell/csp";
import { element, write } from "./shell/dom";
import { filePicker } from "./shell/picker";
import { Files } from "./shell/files";
import { isMac, keysDialog } from "./shell/keys";
import { Page } from "./shell/page";
import { tabs } from "./shell/tabs";
import { themeButton } from "./shell/theme";

const page = new Page();
const connection = pageConnection();
connection.listen(page.connectionListener());

const inline = inlineCompletions(connection, {
  ...page.inlineObserver(),
  shown(text, complete) {
    element("actions").dataset.shown = String(text !== null);
    if (text !== null && complete) announce(announcement(text));
  },
});

const place = EditorView.updateListener.of(({ state, docChanged, selectionSet }) => {
  if (docChanged || selectionSet) writePlace(state);
});

function writePlace(state: EditorView["state"]): void {
  const { head } = state.selection.main;
  const line = state.doc.lineAt(head);
  write("place", `Ln ${line.number}, Col ${head - line.from + 1}`);
}

const files = new Files(crypto.randomUUID().slice(0, 8), (uri, languageId) => [
  connection.client.plugin(uri, languageId),
  inline.extension,
  place,
  pageNonce(),
]);

const view = new EditorView({ parent: element("editor") });

const actions = { all: acceptAll, word: acceptWord, dismiss: dismissGhost };
element("actions").addEventListener("click", (event) => {
  const act = (event.target as Element).closest<HTMLElement>("[data-act]")?.dataset.act;
  if (act !== undefined && act in actions) actions[act as keyof typeof actions](view);
  view.focus();
});

element("skip").addEventListener("click", (event) => {
  event.preventDefault();
  view.focus();
});

element("retry").addEventListener("click", () => connection.connect());
// Whoever comes back to the page, perhaps after opening the link again, should not have to wait.
window.addEventListener("focus", () => connection.connect());
window.addEventListener("online", () => connection.connect());

themeButton();
keysDialog(isMac(navigator.platform));
const looks = { search: searchPane(), summary: summaryPane() };
tabs((pane) => {
  for (const [name, look] of Object.entries(looks)) look(name === pane);
});
filePicker({ view, files, opened: writePlace, failed: (sentence) => page.fail(sentence) });
connection.connect();
