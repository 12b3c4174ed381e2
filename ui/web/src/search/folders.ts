/** The folders that the server indexes, and what is said of one. Pure. */

import { count, fields, list, text } from "../json";
import { integer, plural } from "../panel/format";

export type FolderState = "opening" | "indexing" | "ready" | "failed";

export interface Folder {
  root: string;
  state: FolderState;
  detail: string;
  files: number;
  /** Of `total` files, so many are read while the state is `indexing`; 0 of 0 before they are counted. */
  done: number;
  total: number;
}

const STATES: readonly string[] = ["opening", "indexing", "ready", "failed"];

/** The folders in an answer of `GET /workspaces`; what is none is left out. */
export function readFolders(body: unknown): Folder[] {
  return list(fields(body).workspaces)
    .map(fields)
    .filter(({ root, state }) => text(root) !== "" && STATES.includes(text(state)))
    .map((folder) => ({
      root: text(folder.root),
      state: folder.state as FolderState,
      detail: text(folder.detail),
      files: count(folder.files),
      done: count(folder.done),
      total: count(folder.total),
    }));
}

/** The last part of its path, as people call it. */
export function nameOf({ root }: Pick<Folder, "root">): string {
  return /[^\\/]+(?=[\\/]*$)/.exec(root)?.[0] ?? root;
}

/** Its name, or all of its path where another of them has the same name. */
export function labelOf(folder: Folder, among: readonly Folder[]): string {
  const name = nameOf(folder);
  return among.filter((other) => nameOf(other) === name).length > 1 ? folder.root : name;
}

/** The chosen folder while it is there, otherwise the one that was opened first. */
export function chosenOf(folders: readonly Folder[], root: string): Folder | null {
  return folders.find((folder) => folder.root === root) ?? folders[0] ?? null;
}

/** Whether its state will change by itself. */
export function isMoving(folder: Folder | null): boolean {
  return folder === null || folder.state === "opening" || folder.state === "indexing";
}

export const NO_FOLDER =
  "No folder is open. Open one in an editor that is connected to Splice, and it can be searched here.";

/** What keeps a folder from being searched as a whole; empty when nothing does. */
export function unready(folder: Folder): string {
  const name = nameOf(folder);
  switch (folder.state) {
    case "ready":
      return "";
    case "opening":
      return `The index of ${name} is being opened.`;
    case "failed":
      return folder.detail || `${name} could not be indexed.`;
    case "indexing": {
      const far = folder.total > 0 ? ` (${integer(folder.done)} of ${plural(folder.total, "file")})` : "";
      return `${name} is still being indexed${far}: some results may be missing.`;
    }
  }
}
