/** A pause: nothing is read from then on, and after a while the camera is closed as well. */

/** Milliseconds of a pause after which the camera's light goes out. */
export const CAMERA_OFF = 30_000;

export interface Camera {
  open(): void;
  close(): void;
}

export class Pause {
  private on = false;
  private closed = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly camera: Camera) {}

  /** Whether frames are to be left alone. */
  get paused(): boolean {
    return this.on;
  }

  /** Whether the camera was closed by this pause, so that it is not an outage. */
  get cameraClosed(): boolean {
    return this.closed;
  }

  pause(): void {
    if (this.on) return;
    this.on = true;
    this.timer = setTimeout(() => {
      this.closed = true;
      this.camera.close();
    }, CAMERA_OFF);
  }

  resume(): void {
    if (!this.on) return;
    this.on = false;
    clearTimeout(this.timer);
    if (!this.closed) return;
    this.closed = false;
    this.camera.open();
  }
}
