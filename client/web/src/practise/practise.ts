import type { Point } from "../mask";
import type { Reply } from "../stream";
export interface Outside {
  storage: Pick<Storage, "getItem" | "setItem">;
  alphabet(): readonly string[];
  online(): boolean;
  mirrored(): boolean;
  own(): readonly string[];
  tell(text: string): void;
  changed(): void;
}
export class Practise {
  constructor(readonly outside: Outside) {}
  readonly actions: Record<string, () => void> = {};
  readonly marks: readonly number[] = [];
  open(): void {}
  leave(): void {}
  see(_points: readonly Point[] | null, _w: number, _h: number, _s: number): void {}
  hear(_reply: Reply, _seconds: number): void {}
  press(_key: string): boolean { return false; }
  render(): void {}
}
