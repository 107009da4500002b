/** A value that flickers from frame to frame: another one counts once it has lasted for a while. */
export class Steady<Value> {
  private next: { value: Value; since: number } | null = null;

  /** `seconds` is how long a value must last, `key` what two equal ones have in common. */
  constructor(
    public value: Value,
    private readonly seconds: number,
    private readonly key: (value: Value) => string,
  ) {}

  /** Handle the value of a frame; returns whether another one counts from now on. */
  see(value: Value, now: number): boolean {
    if (this.key(value) === this.key(this.value)) {
      this.next = null;
      return false;
    }
    if (!this.next || this.key(this.next.value) !== this.key(value)) this.next = { value, since: now };
    if (now - this.next.since < this.seconds) return false;
    this.reset(value);
    return true;
  }

  /** Have this value count at once. */
  reset(value: Value): void {
    this.value = value;
    this.next = null;
  }
}
