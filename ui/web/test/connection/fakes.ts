/** A socket with a memory and a scripted server behind it. */

import type { Socket } from "../../src/connection/socket";

export interface Message {
  id?: number;
  method?: string;
  params?: Record<string, unknown>;
}

export class FakeSocket implements Socket {
  readyState = 0;
  onopen: (() => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  readonly sent: Message[] = [];

  /** `answers`: the result for a request, or undefined to leave it open. */
  constructor(private readonly answers: (message: Message) => unknown = () => undefined) {}

  send(data: string): void {
    const message = JSON.parse(data) as Message;
    this.sent.push(message);
    const result =
      message.method === "initialize"
        ? { capabilities: { textDocumentSync: 2, positionEncoding: "utf-16" } }
        : this.answers(message);
    if (message.id !== undefined && result !== undefined) this.receive({ id: message.id, result });
  }

  close(): void {
    this.lose();
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  lose(reason = ""): void {
    this.readyState = 3;
    this.onclose?.({ code: 1006, reason });
  }

  receive(message: object): void {
    this.onmessage?.({ data: JSON.stringify({ jsonrpc: "2.0", ...message }) });
  }

  methods(): string[] {
    return this.sent.map(({ method }) => method ?? "");
  }

  last(method: string): Message | undefined {
    return this.sent.filter((message) => message.method === method).at(-1);
  }
}
