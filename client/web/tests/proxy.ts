/** A line between browser and service that can be cut. */

import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** Forwards bytes to the service until it is cut. */
export class Proxy {
  /** What was asked through it, without the query. */
  readonly paths: string[] = [];
  private server?: Server;
  private readonly open = new Set<Socket>();
  private port = 0;

  /** `service` may be another one for the connections after a cut. */
  constructor(public service: URL) {}

  /** Accept connections, on the same port each time; returns the address. */
  async listen(): Promise<string> {
    this.server = createServer((from) => {
      const to = connect(Number(this.service.port), this.service.hostname);
      from.on("data", (data) => {
        for (const [, path] of data.toString("latin1").matchAll(/^[A-Z]+ (\S+?)(?:\?\S*)? HTTP\/1\.1\r$/gm)) this.paths.push(path);
      });
      for (const [one, other] of [[from, to], [to, from]]) {
        this.open.add(one);
        one.pipe(other);
        one.on("error", () => other.destroy());
        one.on("close", () => this.open.delete(one));
      }
    });
    await new Promise<void>((done) => this.server?.listen(this.port, "127.0.0.1", done));
    this.port = (this.server.address() as AddressInfo).port;
    return `http://127.0.0.1:${this.port}`;
  }

  async cut(): Promise<void> {
    const closed = new Promise((done) => this.server?.close(done));
    for (const socket of this.open) socket.destroy();
    await closed;
  }
}
