/** The summary pane: what is to be summarised, and the text as it is written, set as text only. */

import { getJson } from "../connection/http";
import { NO_FOLDER, type Folder, labelOf, readFolders } from "../search/folders";
import { announce } from "../shell/announce";
import { element, write } from "../shell/dom";
import { LEVELS, type Level, type Telling, type Wish, missing, needs, sentenceOf, textOf } from "./model";
import { Writing, postSummary } from "./writing";

const field = (id: string) => element(id) as HTMLInputElement | HTMLSelectElement;

/** Makes the pane live; returns what tells it whether it is looked at. */
export function summaryPane(): (looked: boolean) => void {
  const writing = new Writing(postSummary, getJson, render);
  const look = () => {
    renderFields();
    if (isWhole()) void writing.look(wish());
    else writing.clear();
  };
  for (const id of ["summary-folder", "summary-level", "summary-path", "summary-symbol"])
    field(id).addEventListener("change", look);
  element("summary-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const lacking = missing(wish());
    if (lacking !== "") sayInstead(lacking);
    else if (isWhole()) void writing.write(wish());
  });
  element("summary-cancel").addEventListener("click", () => writing.cancel());
  renderFields();
  const lookAgain = () => void lookAtFolders().then((changed) => changed && look());
  // An editor may have opened a folder meanwhile.
  window.addEventListener("focus", () => {
    if (!element("pane-summary").hidden) lookAgain();
  });
  return (looked) => {
    if (looked) lookAgain();
  };
}

function wish(): Wish {
  const level = LEVELS.find((one) => one === field("summary-level").value) ?? "file";
  const [root, path, symbol] = ["folder", "path", "symbol"].map((id) => field(`summary-${id}`).value);
  return { root: root ?? "", level, path: path ?? "", symbol: symbol ?? "" };
}

function isWhole(): boolean {
  const wanted = wish();
  return wanted.root !== "" && missing(wanted) === "";
}

/** Asks which folders there are; whether they are others than before. */
async function lookAtFolders(): Promise<boolean> {
  const select = field("summary-folder") as HTMLSelectElement;
  const before = Array.from(select.options, ({ value }) => value);
  const reply = await getJson("/workspaces", new AbortController().signal);
  const folders = reply.ok ? readFolders(reply.body) : [];
  renderFolders(select, folders);
  if (!reply.ok) sayInstead(reply.sentence);
  else if (folders.length === 0) sayInstead(NO_FOLDER);
  const roots = folders.map(({ root }) => root);
  return reply.ok && roots.length > 0 && roots.join("\n") !== before.join("\n");
}

function renderFolders(select: HTMLSelectElement, folders: readonly Folder[]): void {
  const chosen = select.value;
  select.replaceChildren(...folders.map((folder) => new Option(labelOf(folder, folders), folder.root)));
  if (folders.some(({ root }) => root === chosen)) select.value = chosen;
  (element("summary-start") as HTMLButtonElement).disabled = folders.length === 0;
}

function renderFields(): void {
  const wanted = needs(wish().level satisfies Level);
  element("summary-path-row").hidden = !wanted.path;
  element("summary-symbol-row").hidden = !wanted.symbol;
}

function sayInstead(sentence: string): void {
  write("summary-said", sentence);
  announce(sentence);
}

/** One of the two buttons is there; the focus stays with it. */
function swap(isWriting: boolean): void {
  const [gone, shown] = isWriting ? ["summary-start", "summary-cancel"] : ["summary-cancel", "summary-start"];
  const hadFocus = document.activeElement === element(gone);
  element(gone).hidden = true;
  element(shown).hidden = false;
  if (hadFocus) element(shown).focus();
}

function render(telling: Telling): void {
  const isWriting = telling.kind === "writing";
  swap(isWriting);
  element("summary-text").setAttribute("aria-busy", String(isWriting));
  const badge = element("summary-badge");
  badge.hidden = telling.kind !== "done";
  badge.dataset.age = telling.kind === "done" ? telling.age : "";
  write("summary-badge", telling.kind === "done" ? telling.age : "");
  element("summary-said").classList.toggle("bad", telling.kind === "failed");
  write("summary-text", textOf(telling));
  const sentence = sentenceOf(telling);
  write("summary-said", sentence);
  if (telling.kind === "done") announce(`${sentence} ${textOf(telling)}`);
  else if (telling.kind !== "writing" && sentence !== "") announce(sentence);
}
