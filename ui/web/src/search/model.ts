/** What the search pane knows, and the one sentence above its results. Pure. */

import { plural } from "../panel/format";
import { type Folder, NO_FOLDER, chosenOf, nameOf, unready } from "./folders";
import { type Hit, found } from "./hits";

export type Asking =
  | { kind: "nothing" }
  | { kind: "waiting" }
  | { kind: "found"; query: string; hits: readonly Hit[] }
  | { kind: "failed"; sentence: string };

export interface SearchModel {
  query: string;
  /** Null until the server was asked. */
  folders: readonly Folder[] | null;
  /** The chosen folder; empty for the first one. */
  root: string;
  /** Why the folders could not be had; empty otherwise. */
  away: string;
  asking: Asking;
}

export const EMPTY: SearchModel = {
  query: "",
  folders: null,
  root: "",
  away: "",
  asking: { kind: "nothing" },
};

export function folderOf({ folders, root }: SearchModel): Folder | null {
  return chosenOf(folders ?? [], root);
}

/** Of the last answer; while one is awaited, none. */
export interface Results {
  query: string;
  hits: readonly Hit[];
}

const NOTHING: Results = { query: "", hits: [] };

/** The results to show. */
export function resultsOf({ asking }: SearchModel): Results {
  return asking.kind === "found" ? asking : NOTHING;
}

function answer(asking: Asking, folder: Folder): string {
  switch (asking.kind) {
    case "nothing":
      return folder.state === "ready" ? `Searches ${plural(folder.files, "file")} of ${nameOf(folder)}.` : "";
    case "waiting":
      return "Searching…";
    case "failed":
      return asking.sentence;
    case "found":
      if (asking.hits.length > 0) return `${found(asking.hits)} in ${nameOf(folder)}.`;
      return `Nothing in ${nameOf(folder)} fits “${asking.query}”.`;
  }
}

/** Where the search stands. `bad`: something is wrong. */
export function told(model: SearchModel): { sentence: string; bad: boolean } {
  const { away, folders, asking } = model;
  if (away !== "") return { sentence: away, bad: true };
  if (folders === null) return { sentence: "Asking which folders there are…", bad: false };
  const folder = folderOf(model);
  if (folder === null) return { sentence: NO_FOLDER, bad: false };
  const hindrance = unready(folder);
  const bad = folder.state === "failed" || asking.kind === "failed";
  if (folder.state === "opening" || folder.state === "failed") return { sentence: hindrance, bad };
  return { sentence: [answer(asking, folder), hindrance].filter(Boolean).join(" "), bad };
}
