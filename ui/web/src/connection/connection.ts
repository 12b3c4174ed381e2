/** The language client over the reconnecting socket, and what the server tells us beside answers. */

import { LSPClient, type LSPClientExtension } from "@codemirror/lsp-client";
import { type EngineStatus, type Trace, readStatus, readTrace } from "../protocol";
import { ReconnectingSocket, type Socket, type SocketOptions } from "./socket";

/** Longer than any model takes to load: requests wait for it. */
const REQUEST_TIMEOUT_MS = 300_000;

export interface ConnectionListener {
  /** `initialize` was answered and every open document was sent anew. */
  connected?(): void;
  /** `retrying`: another attempt follows by itself. */
  disconnected?(sentence: string, retrying: boolean): void;
  /** The server had lost a document and was sent all of it. */
  resynced?(uri: string): void;
  traced?(trace: Trace): void;
  status?(status: EngineStatus): void;
  /** A sentence of the server for the user. */
  message?(sentence: string): void;
}

export class Connection {
  readonly client: LSPClient;
  private readonly socket: ReconnectingSocket;
  private readonly listeners = new Set<ConnectionListener>();
  private readonly progress = new Map<string, (value: unknown) => void>();
  private up = false;
  private tickets = 0;

  constructor(options: SocketOptions) {
    this.client = new LSPClient({ timeout: REQUEST_TIMEOUT_MS, extensions: [this.extension()] });
    this.socket = new ReconnectingSocket(options, {
      opened: (transport) => {
        this.client.workspace.syncFiles();
        this.client.connect(transport);
        this.client.initializing.then(
          () => this.initialized(),
          () => this.socket.drop(),
        );
      },
      closed: (sentence, retryMs) => this.lost(sentence, retryMs !== null),
    });
  }

  /** Whether requests can be answered now. */
  get connected(): boolean {
    return this.up;
  }

  /** A number given out once, to name a question and its partial results. */
  nextTicket(): number {
    return ++this.tickets;
  }

  connect(): void {
    this.socket.connect();
  }

  /** Calls `listener` from now on; returns what ends it. */
  listen(listener: ConnectionListener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Calls `handler` with every `$/progress` value of `token`; returns what ends it. */
  onProgress(token: string, handler: (value: unknown) => void): () => void {
    this.progress.set(token, handler);
    return () => void this.progress.delete(token);
  }

  private initialized(): void {
    this.up = true;
    for (const listener of this.listeners) listener.connected?.();
  }

  private lost(sentence: string, retrying: boolean): void {
    this.up = false;
    this.progress.clear();
    this.client.disconnect();
    for (const listener of this.listeners) listener.disconnected?.(sentence, retrying);
  }

  /** Closes and opens the document, so that the server has exactly our text. */
  private resync(uri: string): void {
    const { workspace } = this.client;
    const file = workspace.getFile(uri);
    if (!file) return;
    this.client.didClose(uri);
    workspace.syncFiles();
    this.client.didOpen(file);
    for (const listener of this.listeners) listener.resynced?.(uri);
  }

  private extension(): LSPClientExtension {
    const handle = (act: (params: Record<string, unknown>) => void) => (_: LSPClient, params: unknown) => {
      if (typeof params === "object" && params !== null) act(params as Record<string, unknown>);
      return true;
    };
    const tell = (act: (listener: ConnectionListener) => void) => this.listeners.forEach(act);
    return {
      clientCapabilities: {
        general: { positionEncodings: ["utf-16"] },
        textDocument: { inlineCompletion: { dynamicRegistration: false } },
      },
      notificationHandlers: {
        "$/progress": handle(({ token, value }) => this.progress.get(String(token))?.(value)),
        "splice/resync": handle(({ uri }) => this.resync(String(uri))),
        "splice/trace": handle((params) => {
          const trace = readTrace(params);
          if (trace) tell((listener) => listener.traced?.(trace));
        }),
        "splice/status": handle((params) => {
          const status = readStatus(params);
          if (status) tell((listener) => listener.status?.(status));
        }),
        "window/showMessage": handle(({ message }) =>
          tell((listener) => listener.message?.(String(message))),
        ),
        "window/logMessage": handle(() => undefined),
      },
    };
  }
}

/** Asks over HTTP why the socket is refused: only a missing key is worth a word of its own. */
async function refusal(): Promise<string | null> {
  try {
    const { status } = await fetch("/status", { cache: "no-store" });
    if (status !== 401 && status !== 403) return null;
    return "This browser has no key to the server. Open the link that the server printed when it started.";
  } catch {
    return null;
  }
}

/** The connection of this page: `/lsp` of where it came from; the cookie authenticates. */
export function pageConnection(): Connection {
  const { protocol, host } = window.location;
  const url = `${protocol === "https:" ? "wss:" : "ws:"}//${host}/lsp`;
  return new Connection({ open: () => new WebSocket(url) as Socket, refusal });
}
