/** Has the service complete words: one question at a time, and the newest wins; whatever fails is said once. */

import { NoWords, type Candidates } from "./words";

const GOES_ON = "Letters go on without words.";

export interface Outside {
  /** Asks the service: `findWords`. */
  find(query: string): Promise<Candidates>;
  /** Takes the answer to a question; null if there is none. */
  answer(query: string, candidates: Candidates | null): void;
  /** Tells the signer something once. */
  tell(text: string): void;
}

export class Completion {
  private asking = false;
  private next: string | null = null;
  private connected = false;
  private hasNone = false;
  private readonly told = new Set<string>();

  constructor(private readonly outside: Outside) {}

  /** Ask a question, in the place of the one that waits. */
  ask(query: string): void {
    this.next = query;
    if (!this.asking) void this.work();
  }

  /** Do not ask what waits. */
  drop(): void {
    this.next = null;
  }

  /** The stream was opened or lost. A new one may be to a service that knows words. */
  setConnected(connected: boolean): void {
    if (connected && !this.connected) this.hasNone = false;
    this.connected = connected;
  }

  private async work(): Promise<void> {
    this.asking = true;
    while (this.next !== null) {
      const query = this.next;
      this.next = null;
      this.outside.answer(query, await this.find(query));
    }
    this.asking = false;
  }

  private async find(query: string): Promise<Candidates | null> {
    if (this.hasNone || !this.connected) return null; // which has been said
    try {
      return await this.outside.find(query);
    } catch (error) {
      this.hasNone = error instanceof NoWords;
      this.complain(error instanceof Error ? error.message : String(error));
      return null;
    }
  }

  private complain(why: string): void {
    if (this.told.has(why)) return;
    this.told.add(why);
    this.outside.tell(`${why.replace(/\.$/, "")}. ${GOES_ON}`);
  }
}
