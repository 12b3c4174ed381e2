import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AWAY, ReconnectingSocket, pause } from "../../src/connection/socket";
import { FakeSocket } from "./fakes";

function setUp(refusal: () => Promise<string | null> = () => Promise.resolve(null)) {
  const sockets: FakeSocket[] = [];
  const events = { opened: vi.fn(), closed: vi.fn() };
  const open = () => {
    const socket = new FakeSocket();
    sockets.push(socket);
    return socket;
  };
  return { sockets, events, link: new ReconnectingSocket({ open, refusal }, events) };
}

function newest(sockets: FakeSocket[]): FakeSocket {
  return sockets.at(-1) as FakeSocket;
}

describe("ReconnectingSocket", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("opens one socket, however often it is asked to", () => {
    const { sockets, events, link } = setUp();
    link.connect();
    link.connect();
    newest(sockets).open();
    link.connect();
    expect(sockets).toHaveLength(1);
    expect(events.opened).toHaveBeenCalledTimes(1);
  });

  it("comes back with growing pauses, and starts over after a success", async () => {
    const { sockets, events, link } = setUp();
    link.connect();
    for (let failures = 0; failures < 6; failures++) {
      newest(sockets).lose();
      await vi.advanceTimersByTimeAsync(0);
      expect(events.closed).toHaveBeenLastCalledWith(AWAY, pause(failures));
      await vi.advanceTimersByTimeAsync(pause(failures) - 1);
      expect(sockets).toHaveLength(failures + 1);
      await vi.advanceTimersByTimeAsync(1);
      expect(sockets).toHaveLength(failures + 2);
    }
    newest(sockets).open();
    newest(sockets).lose("Too many clients.");
    await vi.advanceTimersByTimeAsync(0);
    expect(events.closed).toHaveBeenLastCalledWith("Too many clients.", pause(0));
  });

  it("never waits long", () => {
    expect(pause(0)).toBeLessThan(500);
    expect(pause(100)).toBe(5_000);
  });

  it("stays away when it is refused, until it is told to try again", async () => {
    const { sockets, events, link } = setUp(() => Promise.resolve("No key."));
    link.connect();
    newest(sockets).lose();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(events.closed).toHaveBeenCalledExactlyOnceWith("No key.", null);
    expect(sockets).toHaveLength(1);
    link.connect();
    expect(sockets).toHaveLength(2);
  });

  it("does not wait for the pause when told to connect", async () => {
    const { sockets, link } = setUp();
    link.connect();
    newest(sockets).lose();
    await vi.advanceTimersByTimeAsync(0);
    link.connect();
    expect(sockets).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sockets).toHaveLength(2);
  });
});
