/** Asks for folders and results as one types, and drops answers that come too late. */

import type { Ask, Reply } from "../connection/http";
import { isMoving, readFolders } from "./folders";
import { readHits } from "./hits";
import { EMPTY, type SearchModel, folderOf } from "./model";

export const TYPING_MS = 200;
export const LOOK_MS = 1_500;
const WANTED = 20;

/** The one writer of the pane's model. */
export class Searcher {
  private model: SearchModel = EMPTY;
  private watched = false;
  private typing: ReturnType<typeof setTimeout> | undefined;
  private looking: ReturnType<typeof setTimeout> | undefined;
  private search = new AbortController();
  private look = new AbortController();

  constructor(
    private readonly ask: Ask,
    private readonly changed: (model: SearchModel) => void,
  ) {}

  /** Someone looks at the pane, or no longer: only then are folders looked after. */
  watch(watched: boolean): void {
    if (this.watched === watched) return;
    this.watched = watched;
    clearTimeout(this.looking);
    if (watched) void this.lookAtFolders();
    else this.look.abort();
  }

  /** The box says this now; `atOnce`: without waiting for the next key. */
  type(query: string, atOnce = false): void {
    if (query === this.model.query && !atOnce) return;
    this.change({ query });
    this.askSoon(atOnce ? 0 : TYPING_MS);
  }

  choose(root: string): void {
    this.change({ root });
    this.askSoon(0);
  }

  private askSoon(ms: number): void {
    clearTimeout(this.typing);
    this.search.abort();
    if (this.model.query.trim() === "") {
      this.change({ asking: { kind: "nothing" } });
      return;
    }
    this.change({ asking: { kind: "waiting" } });
    if (ms === 0) void this.find();
    else this.typing = setTimeout(() => void this.find(), ms);
  }

  private async find(): Promise<void> {
    const folder = folderOf(this.model);
    if (folder === null) {
      await this.lookAtFolders(); // Which asks again where one has come.
      return;
    }
    const query = this.model.query.trim();
    this.search.abort();
    this.search = new AbortController();
    const { signal } = this.search;
    const asked = new URLSearchParams({ q: query, root: folder.root, k: String(WANTED) });
    const reply = await unlessAborted(this.ask(`/search?${asked.toString()}`, signal));
    if (reply === null || signal.aborted) return;
    if (reply.ok) {
      this.change({ asking: { kind: "found", query, hits: readHits(reply.body) } });
    } else {
      this.change({ asking: { kind: "failed", sentence: reply.sentence } });
      await this.lookAtFolders();
    }
  }

  private async lookAtFolders(): Promise<void> {
    this.look.abort();
    this.look = new AbortController();
    const { signal } = this.look;
    const reply = await unlessAborted(this.ask("/workspaces", signal));
    if (reply === null || signal.aborted) return;
    const before = this.model;
    if (reply.ok) this.change({ folders: readFolders(reply.body), away: "" });
    else this.change({ away: reply.sentence });
    const now = folderOf(this.model);
    clearTimeout(this.looking);
    if (this.watched && (isMoving(now) || !reply.ok))
      this.looking = setTimeout(() => void this.lookAtFolders(), LOOK_MS);
    if (hasMoreToFind(before, this.model)) this.askSoon(0);
  }

  private change(part: Partial<SearchModel>): void {
    this.model = { ...this.model, ...part };
    this.changed(this.model);
  }
}

/** Whether what was asked before should be asked again. */
function hasMoreToFind(before: SearchModel, now: SearchModel): boolean {
  const [old, current] = [folderOf(before), folderOf(now)];
  if (current === null || now.away !== "") return false;
  return before.away !== "" || old?.root !== current.root || old.state !== current.state;
}

async function unlessAborted(asked: Promise<Reply>): Promise<Reply | null> {
  try {
    return await asked;
  } catch {
    return null;
  }
}
