/** What was spelled: committed letters are added, buttons edit it. */
export class Text {
  private cleared = "";

  constructor(public value = "") {}

  /** Add a committed label. The labels `space`, `del` and `nothing` of some data sets are heeded. */
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

  /** Clear the text; again: bring it back. */
  clear(): void {
    [this.value, this.cleared] = this.value ? ["", this.value] : [this.cleared, ""];
  }
}
