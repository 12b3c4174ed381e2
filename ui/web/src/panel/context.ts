/** Writes what of the repository stood in front of the document. Paths are set as text only. */

import type { ContextPiece, Trace } from "../protocol";
import { element, write } from "../shell/dom";
import { plural, span } from "./format";
import { reason, withoutContext } from "./model";

export function renderContext(trace: Trace | null): void {
  const pieces = trace?.context ?? [];
  const sentence = withoutContext(trace);
  write("context-count", pieces.length > 0 ? plural(pieces.length, "piece") : "");
  write("context-none", sentence);
  element("context-none").hidden = sentence === "";
  element("context").replaceChildren(...pieces.map(rowOf));
}

function spanned(className: string, text: string): HTMLElement {
  const made = document.createElement("span");
  made.className = className;
  made.textContent = text;
  return made;
}

function rowOf(piece: ContextPiece): HTMLElement {
  const head = document.createElement("div");
  head.className = "piece-head";
  head.append(spanned("piece-path", piece.path));
  head.append(spanned("piece-lines", span(piece.firstLine, piece.lastLine)));
  const row = document.createElement("li");
  row.append(head, spanned("piece-why", `${reason(piece)} · ${piece.score.toFixed(2)}`));
  return row;
}
