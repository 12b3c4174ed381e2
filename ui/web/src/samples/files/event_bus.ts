type Handler<T> = (event: T) => void;

/** Delivers events to whoever listens for their name. */
export class EventBus<Events extends Record<string, unknown>> {
  private handlers = new Map<keyof Events, Set<Handler<never>>>();

  /** Calls `handler` for every event of this name; returns what ends it. */
  on<Name extends keyof Events>(name: Name, handler: Handler<Events[Name]>): () => void {
    const known = this.handlers.get(name) ?? new Set();
    known.add(handler as Handler<never>);
    this.handlers.set(name, known);
    return () => known.delete(handler as Handler<never>);
  }

  /** Tells every listener of this name. */
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    ⟨cursor⟩
  }

  /** Forgets every listener. */
  clear(): void {
    this.handlers.clear();
  }
}
