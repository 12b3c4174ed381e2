/** An editor with ghost text over a scripted socket, and fake time. Only for tests in happy-dom. */

import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { vi } from "vitest";
import { Connection } from "../../src/connection/connection";
import type { InlineObserver } from "../../src/inline/question";
import { inlineCompletions } from "../../src/inline/requester";
import { shownGhost } from "../../src/inline/state";
import { FakeSocket, type Message } from "../connection/fakes";

export const ASK = "textDocument/inlineCompletion";
export const URI = "file:///playground/test.py";

type Observer = { [Name in keyof InlineObserver]-?: ReturnType<typeof vi.fn> };

function item(message: Message, insertText: string): object {
  const { position } = message.params as { position: object };
  const command = { title: "Accept", command: "splice.accept", arguments: [`s${message.id ?? ""}`] };
  return { insertText, range: { start: position, end: position }, command };
}

export class Harness {
  readonly sockets: FakeSocket[] = [];
  readonly observer: Observer = {
    asked: vi.fn(),
    firstText: vi.fn(),
    answered: vi.fn(),
    failed: vi.fn(),
    accepted: vi.fn(),
    local: vi.fn(),
    shown: vi.fn(),
  };
  readonly view: EditorView;
  readonly ask: () => boolean;

  /** Takes over the clock; the connection is open when this resolves. */
  static async start(): Promise<Harness> {
    vi.useFakeTimers();
    const harness = new Harness();
    harness.socket.open();
    await harness.settle();
    return harness;
  }

  private constructor() {
    const open = () => {
      this.sockets.push(new FakeSocket());
      return this.socket;
    };
    const connection = new Connection({ open, refusal: () => Promise.resolve(null) });
    const inline = inlineCompletions(connection, this.observer as unknown as InlineObserver);
    const extensions = [connection.client.plugin(URI, "python"), inline.extension];
    this.view = new EditorView({ state: EditorState.create({ extensions }), parent: document.body });
    this.ask = () => inline.ask(this.view);
    connection.connect();
  }

  end(): void {
    this.view.destroy();
    vi.useRealTimers();
  }

  get socket(): FakeSocket {
    return this.sockets.at(-1) as FakeSocket;
  }

  /** The ghost text on the screen. */
  get rest(): string | null {
    return shownGhost(this.view.state)?.rest ?? null;
  }

  get text(): string {
    return this.view.state.doc.toString();
  }

  /** Every question sent over the present socket. */
  get questions(): Message[] {
    return this.socket.sent.filter(({ method }) => method === ASK);
  }

  async settle(ms = 1_000): Promise<void> {
    await vi.advanceTimersByTimeAsync(ms);
  }

  type(text: string): void {
    const { view } = this;
    for (const key of text) {
      view.dispatch(view.state.update(view.state.replaceSelection(key), { userEvent: "input.type" }));
    }
  }

  backspace(): void {
    const { head } = this.view.state.selection.main;
    this.view.dispatch({ changes: { from: head - 1, to: head }, userEvent: "delete.backward" });
  }

  answer(insertText: string | null, message = this.questions.at(-1) as Message): void {
    const items = insertText === null ? [] : [item(message, insertText)];
    this.socket.receive({ id: message.id, result: { items } });
  }

  partial(insertText: string, message = this.questions.at(-1) as Message): void {
    const token = message.params?.partialResultToken;
    const value = { items: [item(message, insertText)] };
    this.socket.receive({ method: "$/progress", params: { token, value } });
  }
}
