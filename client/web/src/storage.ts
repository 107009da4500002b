/** What the page keeps in the browser from one visit to the next. */

/** Stores texts by name, as `localStorage` does. */
export type Store = Pick<Storage, "getItem" | "setItem" | "removeItem">;

export const NOTHING_STORED =
  "This browser stores nothing for this page. Copy your text and export your hand before you leave it.";

/** The browser's store, or one that lasts until the page is left, where site data is blocked or there is no room. */
export function openStore(): { store: Store; lasts: boolean } {
  try {
    const probe = "fingerspell probe";
    localStorage.setItem(probe, "");
    localStorage.removeItem(probe);
    return { store: new BrowserStore(), lasts: true };
  } catch {
    return { store: new MemoryStore(), lasts: false };
  }
}

/** The browser's store; what it has no room for is left out. */
class BrowserStore implements Store {
  getItem(name: string): string | null {
    return localStorage.getItem(name);
  }

  setItem(name: string, value: string): void {
    try {
      localStorage.setItem(name, value);
    } catch {
      // it is full
    }
  }

  removeItem(name: string): void {
    localStorage.removeItem(name);
  }
}

class MemoryStore implements Store {
  private readonly items = new Map<string, string>();

  getItem(name: string): string | null {
    return this.items.get(name) ?? null;
  }

  setItem(name: string, value: string): void {
    this.items.set(name, value);
  }

  removeItem(name: string): void {
    this.items.delete(name);
  }
}
