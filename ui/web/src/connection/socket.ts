/** A websocket that comes back: one at a time, with growing pauses between attempts. */

import type { Transport } from "@codemirror/lsp-client";

/** The part of the browser's `WebSocket` that is used here. */
export interface Socket {
  readonly readyState: number;
  onopen: (() => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  send(data: string): void;
  close(): void;
}

export interface SocketEvents {
  /** A connection is open; `transport` is good until `closed`. */
  opened(transport: Transport): void;
  /** It was lost or could not be made; the next attempt follows in `retryMs`, or never by itself. */
  closed(sentence: string, retryMs: number | null): void;
}

export interface SocketOptions {
  open(): Socket;
  /** Says why attempts fail, or null when waiting is all that can be done. */
  refusal(): Promise<string | null>;
}

const OPEN = 1;
const FIRST_PAUSE_MS = 300;
const LONGEST_PAUSE_MS = 5_000;
export const AWAY = "The server does not answer.";

/** The pause before attempt number `failures + 1`, milliseconds. */
export function pause(failures: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
}

/** Wraps one open socket for the LSP client. Sending on a closed one is silently void. */
function transportOver(socket: Socket): Transport {
  const handlers = new Set<(message: string) => void>();
  socket.onmessage = ({ data }) => {
    if (typeof data === "string") for (const handler of handlers) handler(data);
  };
  return {
    send: (message) => {
      if (socket.readyState === OPEN) socket.send(message);
    },
    subscribe: (handler) => void handlers.add(handler),
    unsubscribe: (handler) => void handlers.delete(handler),
  };
}

export class ReconnectingSocket {
  private socket: Socket | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private failures = 0;

  constructor(
    private readonly options: SocketOptions,
    private readonly events: SocketEvents,
  ) {}

  /** Connects now if there is no connection and no attempt on its way; changes nothing otherwise. */
  connect(): void {
    if (this.socket !== null) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    const socket = this.options.open();
    this.socket = socket;
    socket.onopen = () => {
      this.failures = 0;
      this.events.opened(transportOver(socket));
    };
    socket.onclose = ({ reason }) => void this.lost(socket, reason);
  }

  /** Drops the present connection, if any; the next attempt follows as after any loss. */
  drop(): void {
    this.socket?.close();
  }

  private async lost(socket: Socket, reason: string): Promise<void> {
    if (this.socket !== socket) return;
    const refusal = await this.options.refusal();
    this.socket = null;
    if (refusal !== null) {
      this.events.closed(refusal, null);
      return;
    }
    const wait = pause(this.failures++);
    this.timer = setTimeout(() => {
      this.timer = null;
      this.connect();
    }, wait);
    this.events.closed(reason === "" ? AWAY : reason, wait);
  }
}
