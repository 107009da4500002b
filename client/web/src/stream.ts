/** The page's end of the service: masks out, letters in, over a WebSocket that is opened again when it is lost. */

import { MASK_VERSION, TRAIL_VERSION } from "./mask";
import type { Correction } from "./profile";
import type { Segment } from "./text";

export interface Reply {
  sequence: number;
  letter: string | null;
  confidence: number;
  smoothed: string | null;
  progress: number;
  committed: string | null;
  /** The letters that are complete with this frame; a service of an older release does not say. */
  segments?: Segment[];
  /** The last of the segments told so far, in order, that the committed letter takes the place of: a J's I, a Z's D. */
  replaced?: Segment[];
}

export interface Options {
  /** Null asks the service for nothing: its own value holds. */
  threshold: number | null;
  hold: number | null;
  token: string;
}

/** The service's answer to a profile; "outdated" also comes unasked, when it changes to another model. */
export interface ProfileAnswer {
  profile: "in force" | "none" | "refused" | "outdated";
  error: string | null;
}

/** What `GET /model` says of its networks and of the options that hold if a stream asks for none. */
interface About {
  mask_version: string;
  /** Null without a trail network; a service of an older release does not say. */
  trail?: { trail_version: string } | null;
  smoothing: { threshold: number; hold: number };
}

/** "offline": this machine has no network, so that the service cannot be asked. */
export type State = "connecting" | "connected" | "offline" | "no service" | "no token" | "bad token" | "other version" | "other trails";

/** Milliseconds before the first retry; each pause is twice as long as the one before. */
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 4000;
/** Milliseconds without a reply after which the connection counts as lost. */
const TIMEOUT = 5000;

export class Stream {
  private socket: WebSocket | null = null;
  private pause = FIRST_PAUSE;
  private timer = 0;
  private sent = 0;
  private waiting: number | null = null;
  private closed = false;
  private trails = false;
  private version = "";
  /** In force on each new connection, too. */
  private correction: Correction | null = null;

  constructor(
    private readonly host: Location,
    private options: Options,
    private readonly onReply: (reply: Reply, milliseconds: number) => void,
    private readonly onState: (state: State) => void,
    private readonly onDefaults: (defaults: About["smoothing"]) => void,
    private readonly onProfile: (answer: ProfileAnswer) => void,
  ) {
    this.connect();
  }

  /** Whether the service reads trails: a mask may then have one below it. */
  get takesTrails(): boolean {
    return this.trails;
  }

  /** The version of the page that the service has; "" if it is not known. */
  get pageVersion(): string {
    return this.version;
  }

  /** Send a mask, or nothing for "no hand"; false if a reply is outstanding or there is no connection. */
  ask(png: Uint8Array<ArrayBuffer> | null): boolean {
    const now = performance.now();
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    if (this.waiting !== null) {
      if (now - this.waiting > TIMEOUT) this.socket.close();
      return false;
    }
    this.socket.send(png ?? new Uint8Array());
    this.waiting = now;
    this.sent++;
    return true;
  }

  /** Have the signer's correction used from the next mask on, or none. */
  correct(correction: Correction | null): void {
    const none = correction === null && this.correction === null;
    this.correction = correction;
    if (!none && this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ profile: correction }));
  }

  /** Reconnect with other options. */
  change(options: Options): void {
    this.options = options;
    this.pause = FIRST_PAUSE;
    this.leave();
    this.onState("connecting");
    this.connect();
  }

  close(): void {
    this.closed = true;
    this.leave();
  }

  /** Close the connection on purpose: it is not lost. */
  private leave(): void {
    clearTimeout(this.timer);
    const { socket } = this;
    this.socket = null;
    socket?.close();
  }

  private connect(): void {
    clearTimeout(this.timer);
    const { protocol, host } = this.host;
    const query = streamQuery(this.options);
    const address = `${protocol === "https:" ? "wss" : "ws"}://${host}/stream?${query}`;
    const protocols = this.options.token ? [`bearer.${this.options.token}`] : [];
    let socket: WebSocket;
    try {
      socket = new WebSocket(address, protocols);
    } catch {
      this.onState("bad token"); // a subprotocol has no spaces, slashes or umlauts
      return;
    }
    this.socket = socket;
    this.waiting = null;
    this.sent = 0;
    this.trails = false; // it may be another release now
    socket.onopen = () => {
      if (this.socket !== socket) return;
      this.pause = FIRST_PAUSE;
      if (this.correction) socket.send(JSON.stringify({ profile: this.correction }));
      this.onState("connected");
      this.askAboutModel().then(
        async (response) => {
          const { smoothing, trail } = (await response.json()) as About;
          this.trails = this.socket === socket && Boolean(trail);
          this.onDefaults(smoothing);
        },
        () => undefined, // it has just been lost again
      );
    };
    socket.onmessage = ({ data }) => {
      if (this.socket !== socket) return;
      const message = JSON.parse(String(data)) as Reply | ProfileAnswer;
      if ("profile" in message) this.onProfile(message);
      else this.receive(message);
    };
    socket.onclose = () => {
      if (this.socket !== socket) return; // it was left
      this.socket = null;
      void this.findReason();
      this.timer = window.setTimeout(() => this.connect(), this.pause);
      this.pause = Math.min(2 * this.pause, LONGEST_PAUSE);
    };
  }

  private receive(reply: Reply): void {
    if (this.waiting === null || reply.sequence < this.sent - 1) return; // a late reply to an earlier mask
    const took = performance.now() - this.waiting;
    this.waiting = null;
    if ("error" in reply) return;
    this.onReply(reply, took);
  }

  /** Find out why there is no stream: the browser does not say. */
  private async findReason(): Promise<void> {
    const { options } = this;
    const reason = await this.askForReason();
    const isLate = this.closed || this.options !== options || this.socket?.readyState === WebSocket.OPEN;
    if (!isLate) this.onState(reason);
  }

  private async askForReason(): Promise<State> {
    try {
      const response = await this.askAboutModel();
      if (response.status === 401) return "no token";
      return response.ok ? compareVersions((await response.json()) as About) : "no service";
    } catch {
      return navigator.onLine ? "no service" : "offline";
    }
  }

  private async askAboutModel(): Promise<Response> {
    const response = await fetch("/model", { headers: authorise(this.options.token), cache: "no-store" });
    this.version = response.headers.get("Page-Version") ?? "";
    return response;
  }
}

/** The header that carries the token, if there is one. */
export function authorise(token: string): Record<string, string> {
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/** Why a service that answers has no stream. */
function compareVersions({ mask_version, trail }: About): State {
  if (mask_version !== MASK_VERSION) return "other version";
  return trail && trail.trail_version !== TRAIL_VERSION ? "other trails" : "no service";
}

/** The options in a stream's address: versions, and of the others only those that differ from the service's. */
export function streamQuery({ threshold, hold }: Options): URLSearchParams {
  const query = new URLSearchParams({ mask_version: MASK_VERSION, trail_version: TRAIL_VERSION });
  if (threshold !== null) query.set("threshold", String(threshold));
  if (hold !== null) query.set("hold", String(hold));
  return query;
}
