/** The profiles in this browser: one for each person, and which one is in use. They stay on this machine. */

import { cleanName, decodeProfile, encodeProfile, type Profile } from "./profile";

const DATABASE = "fingerspell";
/** Texts of profile files, by name. */
const PEOPLE = "people";
/** One entry: the name of the profile in use. */
const CHOICE = "choice";
const IN_USE = "in use";
/** Milliseconds after which a browser's store is given up: some browsers that block site data never answer. */
const PATIENCE = 3000;

/** Keeps profiles in memory, and in IndexedDB once that is loaded. */
export class ProfileStore {
  private readonly people = new Map<string, Profile>();
  private database: IDBDatabase | null = null;
  private chosen: string | null = null;

  /**
   * Read what the browser has stored; returns what is wrong with profiles that cannot be read, which stay stored.
   * Throws if the browser stores nothing, for example in a private window: profiles then last until the page is left.
   */
  async load(): Promise<string[]> {
    const { database, texts, chosen } = await Promise.race([read(), giveUp()]);
    this.database = database;
    this.chosen = chosen || null;
    return texts.flatMap((text) => {
      try {
        const profile = decodeProfile(text, "A profile in this browser");
        this.people.set(profile.name, profile);
        return [];
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    });
  }

  get names(): string[] {
    return [...this.people.keys()].sort((one, other) => one.localeCompare(other));
  }

  /** The profile in use; null if none is. */
  get current(): Profile | null {
    return this.chosen === null ? null : (this.people.get(this.chosen) ?? null);
  }

  /** Use a profile, or none. */
  async use(name: string | null): Promise<void> {
    this.chosen = name;
    await this.write((_, choice) => choice.put(name ?? "", IN_USE));
  }

  /** Store a profile in the place of the one of its name, and use it. */
  async save(profile: Profile): Promise<void> {
    this.people.set(profile.name, profile);
    this.chosen = profile.name;
    await this.write((people, choice) => {
      people.put(encodeProfile(profile), profile.name);
      choice.put(profile.name, IN_USE);
    });
  }

  /** Delete a profile; none is in use then if it was. */
  async delete(name: string): Promise<void> {
    this.people.delete(name);
    if (this.chosen === name) this.chosen = null;
    await this.write((people, choice) => {
      people.delete(name);
      choice.put(this.chosen ?? "", IN_USE);
    });
  }

  /** A name that no profile has yet: the one asked for, with a number if it is taken. */
  freeName(asked: string): string {
    const name = cleanName(asked) || "me";
    for (let number = 1; ; number++) {
      const free = number === 1 ? name : `${name} ${number}`;
      if (!this.people.has(free)) return free;
    }
  }

  private async write(change: (people: IDBObjectStore, choice: IDBObjectStore) => void): Promise<void> {
    if (!this.database) return;
    const writing = this.database.transaction([PEOPLE, CHOICE], "readwrite");
    change(writing.objectStore(PEOPLE), writing.objectStore(CHOICE));
    await new Promise<void>((done, fail) => {
      writing.oncomplete = () => done();
      writing.onabort = writing.onerror = () => fail(writing.error ?? new Error("it was interrupted"));
    });
  }
}

/** Everything that is stored. */
interface Stored {
  database: IDBDatabase;
  texts: string[];
  chosen: string | undefined;
}

async function read(): Promise<Stored> {
  const database = await openDatabase();
  const reading = database.transaction([PEOPLE, CHOICE]);
  const [texts, chosen] = await Promise.all([
    settle(reading.objectStore(PEOPLE).getAll() as IDBRequest<string[]>),
    settle(reading.objectStore(CHOICE).get(IN_USE) as IDBRequest<string | undefined>),
  ]);
  return { database, texts, chosen };
}

function giveUp(): Promise<never> {
  return new Promise((_, fail) => setTimeout(() => fail(new Error("the browser's store does not answer")), PATIENCE));
}

function openDatabase(): Promise<IDBDatabase> {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore(PEOPLE);
    opening.result.createObjectStore(CHOICE);
  };
  return settle(opening);
}

function settle<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((done, fail) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => fail(request.error ?? new Error("the browser's store cannot be read"));
  });
}
