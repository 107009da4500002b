/** The stream: what it asks of the service, and what it does if their versions differ. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MASK_VERSION, TRAIL_VERSION } from "../src/mask";
import { Stream, type State } from "../src/stream";

/** A connection that the test opens and closes. */
class Socket {
  static readonly OPEN = 1;
  static newest: Socket;
  readyState = 0;
  onopen = () => {};
  onclose = () => {};
  onmessage = (_: { data: string }) => {};
  readonly sent: Uint8Array[] = [];

  constructor(readonly address: string) {
    Socket.newest = this;
  }

  open(): void {
    this.readyState = Socket.OPEN;
    this.onopen();
  }

  send(data: Uint8Array): void {
    this.sent.push(data);
  }

  close(): void {
    this.readyState = 3;
    this.onclose();
  }
}

const settle = () => new Promise((done) => setTimeout(done));

describe("a stream", () => {
  let about: object = {};
  let states: State[] = [];
  /** What keeps the service from answering what it has; null answers at once. */
  let answering: Promise<void> | null = null;

  beforeEach(() => {
    [states, answering] = [[], null];
    vi.stubGlobal("WebSocket", Socket);
    vi.stubGlobal("window", globalThis);
    vi.stubGlobal("fetch", async () => {
      await answering;
      const model = { mask_version: MASK_VERSION, smoothing: { threshold: 0.5, hold: 0.2 }, ...about };
      return Response.json(model, { headers: { "Page-Version": "abc" } });
    });
  });
  afterEach(() => vi.unstubAllGlobals());

  function connect(): Stream {
    const host = { protocol: "http:", host: "localhost" } as Location;
    return new Stream(host, { threshold: null, hold: null, token: "" }, () => {}, (state) => states.push(state), () => {}, () => {}); // prettier-ignore
  }

  test.each([
    [{ trail: { trail_version: TRAIL_VERSION } }, true],
    [{ trail: null }, false],
    [{}, false],
  ])("to a service that says %j takes trails: %s", async (said, takes) => {
    about = said;
    const stream = connect();
    expect(stream.takesTrails, "not before it is known").toBe(false);
    Socket.newest.open();
    await settle();
    expect(new URL(Socket.newest.address).searchParams.get("trail_version")).toBe(TRAIL_VERSION);
    expect([stream.takesTrails, states]).toEqual([takes, ["connected"]]);
    stream.close();
  });

  test("forgets what the service said when it connects again", async () => {
    about = { trail: { trail_version: TRAIL_VERSION } };
    const stream = connect();
    Socket.newest.open();
    await settle();
    const first = Socket.newest;
    first.close();
    await expect.poll(() => Socket.newest === first).toBe(false);
    expect(stream.takesTrails).toBe(false);
    stream.close();
  });

  test.each<[object, State]>([
    [{ mask_version: "finger-colours-0" }, "other version"],
    [{ trail: { trail_version: "trail-0" } }, "other trails"],
    [{ mask_version: "finger-colours-0", trail: { trail_version: "trail-0" } }, "other version"],
    [{ trail: { trail_version: TRAIL_VERSION } }, "no service"],
    [{ trail: null }, "no service"],
    [{}, "no service"],
  ])("that is refused by a service that says %j finds %s", async (said, state) => {
    about = said;
    const stream = connect();
    Socket.newest.close();
    await settle();
    expect(states).toEqual([state]);
    stream.close();
  });

  test("whose options change is not lost meanwhile", async () => {
    const stream = connect();
    Socket.newest.open();
    const first = Socket.newest;
    stream.change({ threshold: 0.7, hold: null, token: "" });
    await settle();
    expect(Socket.newest.address).toContain("threshold=0.7");
    expect([first.readyState, states]).toEqual([3, ["connected", "connecting"]]);
    Socket.newest.open();
    await settle();
    expect(states).toEqual(["connected", "connecting", "connected"]);
    stream.close();
  });

  test("that was opened again is not called lost by an answer that comes late", async () => {
    let answer = () => {};
    answering = new Promise((done) => (answer = done));
    const stream = connect();
    Socket.newest.open();
    const first = Socket.newest;
    first.close();
    await expect.poll(() => Socket.newest === first).toBe(false);
    Socket.newest.open();
    answer();
    await settle();
    expect(states).toEqual(["connected", "connected"]);
    stream.close();
  });

  test.each<[boolean, State]>([
    [false, "offline"],
    [true, "no service"],
  ])("without an answer, on a machine that is online: %s, finds %s", async (onLine, state) => {
    vi.stubGlobal("navigator", { onLine });
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
    const stream = connect();
    Socket.newest.close();
    await settle();
    expect(states).toEqual([state]);
    stream.close();
  });

  test("knows the version of the service's page, even if it is refused", async () => {
    about = { mask_version: "finger-colours-0" };
    const stream = connect();
    Socket.newest.close();
    await settle();
    expect([states, stream.pageVersion]).toEqual([["other version"], "abc"]);
    stream.close();
  });
});
