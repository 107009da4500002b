/** The page's end of the worker that finds hands: its start, one frame at a time, and what happens if it breaks. */

import type { HandModel } from "./loading";
import type { Detection, Request, WorkerMessage } from "./landmarks.worker";

/** Frames in a row without a result after which the worker is started anew. */
const MOST_SKIPPED = 10;

export interface Listener {
  onReady(): void;
  onDetection(detection: Detection): void;
  /** No hands can be found any more; a sentence. */
  onFailed(message: string): void;
}

export class Landmarks {
  private worker: Worker;
  private busy = true; // until the worker has its networks
  private started = false;
  private skipped = 0;
  private restarted = false;

  constructor(
    private readonly model: Promise<HandModel>,
    private readonly listener: Listener,
  ) {
    this.worker = this.start();
  }

  /** Whether everything was loaded and works. */
  get ready(): boolean {
    return this.started;
  }

  /** Whether a frame could be looked at now. */
  get free(): boolean {
    return !this.busy;
  }

  /** Find the hand in what the video shows; nothing unless it is free. `trails` is whether the service takes trails. */
  async look(video: HTMLVideoElement, time: number, trails: boolean): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    const { worker } = this;
    try {
      const frame = await createImageBitmap(video);
      if (worker === this.worker) post(worker, { kind: "frame", frame, time, trails }, [frame]);
    } catch {
      if (worker === this.worker) this.busy = false; // the camera was lost just now
    }
  }

  private start(): Worker {
    this.busy = true;
    this.skipped = 0;
    const worker = new Worker(new URL("./landmarks.worker.ts", import.meta.url));
    worker.onmessage = ({ data }: MessageEvent<WorkerMessage>) => this.receive(data);
    worker.onerror = () => this.fail("its program cannot be loaded");
    this.model.then(
      (model) => post(worker, { kind: "start", ...model }),
      (error: unknown) => this.fail(error instanceof Error ? error.message : String(error)),
    );
    return worker;
  }

  private receive(message: WorkerMessage): void {
    if (message.kind === "failed") return this.fail(message.message);
    this.busy = false;
    if (message.kind === "ready") {
      this.started = true;
      this.listener.onReady();
    } else if (message.kind === "detection") {
      this.skipped = 0;
      this.listener.onDetection(message);
    } else if (++this.skipped >= MOST_SKIPPED) {
      this.replace(message.message);
    }
  }

  /** Start the worker anew, once. */
  private replace(why: string): void {
    if (this.restarted) return this.fail(why);
    this.restarted = true;
    this.worker.terminate();
    this.worker = this.start();
  }

  private fail(why: string): void {
    this.busy = true; // and stays so
    this.worker.terminate();
    this.listener.onFailed(`The hand model has failed (${why}). Reload this page.`);
  }
}

function post(worker: Worker, request: Request, transfer: Transferable[] = []): void {
  worker.postMessage(request, transfer);
}
