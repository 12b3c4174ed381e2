/** Has a summary written, tells the news as they come, and lets go of it when it is no longer wanted. */

import { bodyOf as answered, refusalOf, type Ask } from "../connection/http";
import { AWAY } from "../connection/socket";
import { BEGIN, readKnown, readNews, take } from "./events";
import { BEGUN, CUT_OFF, NOTHING, type Telling, type Wish, bodyOf, digestOf, textOf, told } from "./model";

export type Post = (body: string, signal: AbortSignal) => Promise<Response>;

export const postSummary: Post = (body, signal) =>
  fetch("/summaries", { method: "POST", headers: { "content-type": "application/json" }, body, signal });

/** The one writer of what is told. */
export class Writing {
  private telling: Telling = NOTHING;
  private work = new AbortController();

  constructor(
    private readonly post: Post,
    private readonly ask: Ask,
    private readonly changed: (telling: Telling) => void,
  ) {}

  /** Something else is looked at: shows what was said of it before, if anything was. */
  async look(wish: Wish): Promise<void> {
    const signal = this.begin(NOTHING);
    try {
      const asked = new URLSearchParams(bodyOf(wish));
      const reply = await this.ask(`/summaries?${asked.toString()}`, signal);
      const known = reply.ok ? readKnown(reply.body) : null;
      if (known === null || signal.aborted) return;
      this.tell({ kind: "done", summary: known.summary, age: known.stale ? "stale" : "cached" });
    } catch {
      return; // Something else is wanted by now.
    }
  }

  /** Leaves what is being done, and shows nothing. */
  clear(): void {
    this.begin(NOTHING);
  }

  /** Ends the work on the server too: it sees that nobody listens. */
  cancel(): void {
    this.work.abort();
    if (this.telling.kind === "writing") this.tell({ kind: "cancelled", text: textOf(this.telling) });
  }

  async write(wish: Wish): Promise<void> {
    const before = digestOf(this.telling);
    const signal = this.begin(BEGUN);
    try {
      const answer = await this.post(JSON.stringify(bodyOf(wish)), signal);
      if (answer.ok && answer.body !== null) await this.follow(answer.body, before, signal);
      else this.fail(refusalOf(answer.status, await answered(answer)), signal);
    } catch {
      this.fail(textOf(this.telling) === "" ? AWAY : CUT_OFF, signal);
    }
  }

  private async follow(body: ReadableStream<Uint8Array>, before: string, signal: AbortSignal): Promise<void> {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    let stream = BEGIN;
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      const taken = take(stream, decoder.decode(read.value, { stream: true }));
      stream = taken.stream;
      if (signal.aborted) return;
      for (const news of taken.events.map(readNews)) {
        if (news !== null) this.tell(told(this.telling, news, before));
      }
    }
    if (this.telling.kind === "writing") this.fail(CUT_OFF, signal);
  }

  private fail(sentence: string, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.tell({ kind: "failed", text: textOf(this.telling), sentence });
  }

  private begin(telling: Telling): AbortSignal {
    this.work.abort();
    this.work = new AbortController();
    this.tell(telling);
    return this.work.signal;
  }

  private tell(telling: Telling): void {
    this.telling = telling;
    this.changed(telling);
  }
}
