/** What was spelled: committed letters join it, buttons edit it. */
export class Text {
  private cleared = "";

  constructor(public value = "") {}

  /** Add a committed label. Data sets with `space`, `del` and `nothing` mean what they say. */
  commit(label: string | null): void {
    if (label === null || label === "nothing") return;
    if (label === "space") this.value += " ";
    else if (label === "del") this.delete();
    else this.value += label;
  }

  space(): void {
    this.value += " ";
  }

  delete(): void {
    this.value = this.value.slice(0, -1);
  }

  /** Begin anew; once more brings the text back. */
  clear(): void {
    [this.value, this.cleared] = this.value ? ["", this.value] : [this.cleared, ""];
  }
}
