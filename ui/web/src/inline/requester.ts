/** Asks for completions as the user types, and offers the answers to the editor's state. */

import { LSPPlugin } from "@codemirror/lsp-client";
import { type Extension, Prec, type Transaction } from "@codemirror/state";
import { type Command, EditorView, ViewPlugin, type ViewUpdate, keymap } from "@codemirror/view";
import type { Connection } from "../connection/connection";
import { type InlineItem, QUIET_ERRORS, readError } from "../protocol";
import { ghostKeys, typeAlongGhost } from "./commands";
import { RESTED, SHORTEST_MS, afterAnswer, afterKey, delay } from "./pacing";
import { AUTOMATIC, INVOKED, type InlineObserver, type Outcome, Question, type Trigger } from "./question";
import { type Ghost, accepted, fittingGhost, ghostState, offer, shownGhost, withdraw } from "./state";
import { positionAt } from "./suggestion";

/** Typed along without a question: the server gets the text this long after the last key. */
const SYNC_AFTER_MS = 400;

const WORD_AHEAD = /^[\p{L}\p{N}_$]/u;
const EDITS = ["input", "delete", "undo", "redo", "move"];

type Timer = ReturnType<typeof setTimeout>;

function isEdit(tr: Transaction): boolean {
  return tr.docChanged && EDITS.some((kind) => tr.isUserEvent(kind));
}

export class Requester {
  private question: Question | null = null;
  private stopProgress: (() => void) | null = null;
  private askTimer: Timer | undefined;
  private syncTimer: Timer | undefined;
  private pace = RESTED;
  /** The connection went away with a question open or due. */
  private missed = false;
  /** A resync was answered with a new question since the last edit. */
  private askedAfterResync = false;
  private readonly stopListening: () => void;

  constructor(
    private readonly view: EditorView,
    private readonly connection: Connection,
    private readonly observer: InlineObserver,
  ) {
    this.stopListening = connection.listen({
      connected: () => this.reconnected(),
      disconnected: () => this.disconnected(),
      resynced: () => this.resynced(),
    });
  }

  update(update: ViewUpdate): void {
    if (update.docChanged) this.question?.edited(update.changes.desc);
    const before = shownGhost(update.startState);
    const how = update.transactions.map((tr) => tr.annotation(accepted)).find(Boolean);
    if (how && before) this.taken(before, how);
    else if (update.transactions.some(isEdit)) this.edited();
    else if (update.selectionSet) this.forget();
    const after = shownGhost(update.state);
    if (before?.rest !== after?.rest || before?.suggestion.streaming !== after?.suggestion.streaming) {
      this.observer.shown?.(after?.rest ?? null, after?.suggestion.streaming === false);
    }
  }

  destroy(): void {
    this.forget();
    clearTimeout(this.syncTimer);
    this.stopListening();
  }

  /**
   * Sends a question for the cursor's place now. An older one is let go without a word: the server
   * ends it, or goes on with it if its text fits the new place too.
   */
  ask(trigger: Trigger): void {
    clearTimeout(this.askTimer);
    this.askTimer = undefined;
    const plugin = LSPPlugin.get(this.view);
    if (!plugin || !this.mayAsk(trigger)) return;
    this.missed = !this.connection.connected;
    if (this.missed) return;
    this.close();
    const { client } = this.connection;
    clearTimeout(this.syncTimer);
    client.sync();
    const { doc, selection } = this.view.state;
    const cursor = selection.main.head;
    const id = this.connection.nextTicket();
    const token = `splice-${id}`;
    const params = {
      textDocument: { uri: plugin.uri },
      position: positionAt(doc, cursor),
      context: { triggerKind: trigger },
      partialResultToken: token,
    };
    const question = new Question(id, params, { doc, cursor, time: performance.now() });
    this.question = question;
    this.stopProgress = this.connection.onProgress(token, (value) => this.heard(question, value, true));
    this.observer.asked?.();
    client.request("textDocument/inlineCompletion", params).then(
      (answer) => this.heard(question, answer, false),
      (reason: unknown) => this.refused(question, reason),
    );
  }

  private mayAsk(trigger: Trigger): boolean {
    const { state, composing } = this.view;
    const { main, ranges } = state.selection;
    if (ranges.length > 1 || !main.empty || composing || state.readOnly) return false;
    if (trigger === INVOKED) return true;
    const ahead = state.sliceDoc(main.head, main.head + 2);
    return !WORD_AHEAD.test(ahead) && state.doc.length > 0;
  }

  private schedule(ms: number): void {
    clearTimeout(this.askTimer);
    this.askTimer = setTimeout(() => this.ask(AUTOMATIC), ms);
  }

  private edited(): void {
    const now = performance.now();
    const wait = delay(this.pace, now);
    this.pace = afterKey(this.pace, now);
    this.askedAfterResync = false;
    clearTimeout(this.askTimer);
    this.askTimer = undefined;
    const fitting = fittingGhost(this.view.state);
    const more = fitting?.suggestion.streaming === true && fitting.suggestion.id === this.question?.id;
    if (fitting && (fitting.rest !== "" || more)) {
      if (!more) this.cancel();
      this.observer.local?.();
      this.scheduleSync();
    } else if (this.mayAsk(AUTOMATIC)) this.schedule(wait);
    else {
      this.cancel();
      this.scheduleSync();
    }
  }

  private taken({ suggestion }: Ghost, how: "all" | "word"): void {
    this.observer.accepted?.(how);
    const { head } = this.view.state.selection.main;
    const left = shownGhost(this.view.state);
    if (left?.suggestion.id === suggestion.id) {
      const acceptedLength = head - suggestion.from;
      this.notify("didPartiallyAcceptCompletion", { item: suggestion.item.raw, acceptedLength });
      this.scheduleSync();
    } else if (suggestion.streaming && this.question?.id === suggestion.id) {
      this.question.acceptedEarly = true;
    } else {
      this.schedule(SHORTEST_MS);
      this.execute(suggestion.item);
    }
  }

  private heard(question: Question, answer: unknown, streaming: boolean): void {
    if (this.question !== question) return;
    const ms = question.age(performance.now());
    const replayed = question.replay(answer, this.view.state, streaming);
    if (replayed !== null && !question.heard) {
      question.heard = true;
      this.pace = afterAnswer(this.pace, ms);
      this.observer.firstText?.(ms);
    }
    if (!streaming) this.close();
    const fits = replayed !== null && replayed !== "late";
    if (fits) this.view.dispatch({ effects: offer.of(replayed) });
    else if (!streaming) this.view.dispatch({ effects: withdraw.of(question.id) });
    if (!streaming) this.finished(question, fits ? "text" : (replayed ?? "nothing"), ms);
  }

  private finished(question: Question, outcome: Outcome, ms: number): void {
    this.observer.answered?.(outcome, ms);
    const fitting = fittingGhost(this.view.state);
    if (outcome !== "text" || fitting?.suggestion.id !== question.id) return;
    const { item } = fitting.suggestion;
    if (question.acceptedEarly) this.execute(item);
    if (fitting.rest !== "") this.notify("didShowCompletion", { item: item.raw });
    else this.schedule(SHORTEST_MS);
  }

  private refused(question: Question, reason: unknown): void {
    if (this.question !== question) return;
    const { code, message } = readError(reason);
    this.close();
    this.view.dispatch({ effects: withdraw.of(question.id) });
    if (QUIET_ERRORS.includes(code)) this.observer.answered?.("late", question.age(performance.now()));
    else this.observer.failed?.(message);
  }

  private execute(item: InlineItem): void {
    if (!item.command || !this.connection.connected) return;
    this.connection.client.request("workspace/executeCommand", item.command).catch(() => undefined);
  }

  private notify(name: string, params: object): void {
    if (this.connection.connected) this.connection.client.notification(`textDocument/${name}`, params);
  }

  /** Sends the text when typing rests. Never under an open question, whose text must stay as it was. */
  private scheduleSync(): void {
    clearTimeout(this.syncTimer);
    this.syncTimer = setTimeout(() => {
      if (this.question === null && this.connection.connected) this.connection.client.sync();
    }, SYNC_AFTER_MS);
  }

  private close(): void {
    this.stopProgress?.();
    this.stopProgress = null;
    this.question = null;
  }

  private cancel(): void {
    if (this.question) this.connection.client.cancelRequest(this.question.params);
    this.close();
  }

  private forget(): void {
    clearTimeout(this.askTimer);
    this.askTimer = undefined;
    if (this.question) this.observer.answered?.("late", this.question.age(performance.now()));
    this.cancel();
  }

  private disconnected(): void {
    this.missed = this.missed || this.question !== null || this.askTimer !== undefined;
    clearTimeout(this.askTimer);
    this.askTimer = undefined;
    this.close();
  }

  private reconnected(): void {
    if (this.missed && this.view.hasFocus) this.schedule(SHORTEST_MS);
  }

  private resynced(): void {
    if (this.question === null || this.askedAfterResync) return;
    this.askedAfterResync = true;
    this.cancel();
    this.schedule(SHORTEST_MS);
  }
}

export interface InlineCompletions {
  readonly extension: Extension;
  /** Asks for a completion at the cursor, whatever stands there. */
  readonly ask: Command;
}

/** Ghost text for one editor: state, keys, and the plugin that asks over `connection`. */
export function inlineCompletions(connection: Connection, observer: InlineObserver): InlineCompletions {
  const plugin = ViewPlugin.define((view) => new Requester(view, connection, observer), {
    eventObservers: {
      compositionend(_event, view) {
        setTimeout(() => view.plugin(plugin)?.ask(AUTOMATIC));
      },
    },
  });
  const ask: Command = (view) => {
    view.plugin(plugin)?.ask(INVOKED);
    return true;
  };
  const keys = [...ghostKeys, { key: "Alt-\\", run: ask, preventDefault: true }];
  return { extension: [ghostState, plugin, typeAlongGhost, Prec.highest(keymap.of(keys))], ask };
}
