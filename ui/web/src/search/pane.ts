/** The search pane: its box, its folders and its results. Whatever a file says is set as text only. */

import { getJson } from "../connection/http";
import { span } from "../panel/format";
import { announce } from "../shell/announce";
import { element, write } from "../shell/dom";
import { type Folder, labelOf } from "./folders";
import { type Hit, type Part, points, snippet, spoken } from "./hits";
import { type Results, type SearchModel, folderOf, resultsOf, told } from "./model";
import { pieceDialog } from "./piece";
import { Searcher } from "./searcher";

/** Makes the pane live; returns what tells it whether it is looked at. */
export function searchPane(): (looked: boolean) => void {
  const box = element("search-box") as HTMLInputElement;
  const folder = element("search-folder") as HTMLSelectElement;
  const draw = drawing(pieceDialog());
  const searcher = new Searcher(getJson, draw);
  box.addEventListener("input", () => searcher.type(box.value));
  folder.addEventListener("change", () => searcher.choose(folder.value));
  element("search-form").addEventListener("submit", (event) => {
    event.preventDefault();
    searcher.type(box.value, true);
  });
  element("pane-search").addEventListener("keydown", (event) => moveFocus(event, box));
  return (looked) => {
    searcher.watch(looked);
    if (looked) box.focus();
  };
}

/** What draws a model: only what differs from the one before. */
function drawing(open: (hit: Hit) => void): (model: SearchModel) => void {
  let folders: SearchModel["folders"] = null;
  let results: Results | null = null;
  return (model) => {
    if (model.folders !== folders) renderFolders((folders = model.folders), folderOf(model));
    if (resultsOf(model) !== results) renderResults((results = resultsOf(model)), open);
    const { sentence, bad } = told(model);
    element("search-said").classList.toggle("bad", bad);
    if (element("search-said").textContent === sentence) return;
    write("search-said", sentence);
    if (model.asking.kind !== "waiting") announce(sentence);
  };
}

function renderFolders(folders: SearchModel["folders"], chosen: Folder | null): void {
  const select = element("search-folder") as HTMLSelectElement;
  select.replaceChildren(
    ...(folders ?? []).map((folder, _, all) => new Option(labelOf(folder, all), folder.root)),
  );
  select.value = chosen?.root ?? "";
  element("search-where").hidden = (folders ?? []).length < 2;
}

function renderResults({ hits, query }: Results, open: (hit: Hit) => void): void {
  element("hits").replaceChildren(...hits.map((hit) => rowOf(hit, query, open)));
}

function tagged(tag: string, className: string, text: string): HTMLElement {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function rowOf(hit: Hit, query: string, open: (hit: Hit) => void): HTMLElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "hit";
  button.setAttribute("aria-label", spoken(hit));
  button.setAttribute("aria-haspopup", "dialog");
  const head = tagged("span", "hit-head", "");
  head.append(tagged("span", "hit-path", hit.path));
  head.append(tagged("span", "hit-lines", span(hit.firstLine, hit.lastLine)));
  const scores = tagged("span", "hit-scores", "");
  scores.append(...hit.parts.map(scoreOf));
  button.append(head, tagged("code", "hit-text", snippet(hit.text, query)), scores);
  button.addEventListener("click", () => open(hit));
  const row = document.createElement("li");
  row.append(button);
  return row;
}

function scoreOf(part: Part): HTMLElement {
  const shown = tagged("span", "hit-score", `${part.name} ${points(part.score)}`);
  shown.dataset.part = part.name;
  return shown;
}

/** Up and down lead from the box through the results and back; Escape leads to the box. */
function moveFocus(event: KeyboardEvent, box: HTMLElement): void {
  const stops = [box, ...element("hits").querySelectorAll<HTMLElement>(".hit")];
  const at = stops.indexOf(event.target as HTMLElement);
  if (at < 0) return;
  const to = stopAfter(event.key, at);
  const stop = to === null ? undefined : stops[to];
  if (stop === undefined) return;
  event.preventDefault();
  stop.focus();
}

/** The stop that a key leads to from stop `at`, the box being 0; null for any other key. */
export function stopAfter(key: string, at: number): number | null {
  if (key === "ArrowDown") return at + 1;
  if (key === "ArrowUp") return at - 1;
  return key === "Escape" && at > 0 ? 0 : null;
}
