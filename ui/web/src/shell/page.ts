/** The one writer of the page's model: hears of everything, and draws once a frame. */

import type { ConnectionListener } from "../connection/connection";
import type { InlineObserver } from "../inline/question";
import { type Model, START, headline, withTrace } from "../panel/model";
import { render } from "../panel/render";
import { announce } from "./announce";

export class Page {
  private model: Model = START;
  private drawn: Model | null = null;
  private frame: number | null = null;

  constructor() {
    this.draw();
  }

  /** Shows a sentence where the last completion is told of. */
  fail(sentence: string): void {
    this.change({ asking: { kind: "failed", sentence } });
  }

  connectionListener(): Required<Omit<ConnectionListener, "resynced">> {
    return {
      connected: () => this.change({ link: { kind: "open" } }),
      disconnected: (sentence, retrying) =>
        this.change({ link: { kind: "lost", sentence, retrying }, asking: this.settled() }),
      traced: (trace) => this.replace(withTrace(this.model, trace)),
      status: (engine) => this.change({ engine }),
      message: (sentence) => this.fail(sentence),
    };
  }

  inlineObserver(): InlineObserver {
    return {
      asked: () => this.change({ asking: { kind: "waiting" }, asked: this.model.asked + 1 }),
      firstText: () => this.change({ asking: { kind: "streaming" } }),
      answered: (outcome) => this.change({ asking: { kind: "done", outcome } }),
      failed: (sentence) => this.fail(sentence),
      accepted: () => this.change({ accepted: this.model.accepted + 1 }),
      local: () => this.change({ local: this.model.local + 1 }),
    };
  }

  /** The last question, when the connection it was sent over is gone. */
  private settled(): Model["asking"] {
    const { asking } = this.model;
    const open = asking.kind === "waiting" || asking.kind === "streaming";
    return open ? { kind: "failed", sentence: "The connection was lost." } : asking;
  }

  private change(part: Partial<Model>): void {
    this.replace({ ...this.model, ...part });
  }

  private replace(model: Model): void {
    const before = headline(this.model).sentence;
    this.model = model;
    const { sentence } = headline(model);
    if (sentence !== before) announce(sentence);
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  private draw(): void {
    render(this.model, this.drawn);
    this.drawn = this.model;
  }
}
