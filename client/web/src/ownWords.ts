/** The signer's own words, such as names, which the service adds to its vocabulary for each question. */

/** Words that the service takes. */
const MOST = 500;
/** One word: letters that can be spelled. */
export const WORD = /^[A-Z]{1,32}$/;

export interface OwnWords {
  /** In capitals, each once. */
  words: string[];
  /** What cannot be spelled, or is too much. */
  rejected: string[];
}

/** Read the words of a text, one a line or with spaces between them; capitals do not matter. */
export function readOwnWords(text: string): OwnWords {
  const all = [...new Set(text.toUpperCase().split(/\s+/).filter(Boolean))];
  const words = all.filter((word) => WORD.test(word)).slice(0, MOST);
  return { words, rejected: all.filter((word) => !words.includes(word)) };
}

/** Own words and those of people's names that can be spelled: "Anna Lee" has two, "Zoë" none. */
export function addNames(words: readonly string[], names: readonly string[]): string[] {
  const inNames = readOwnWords(names.join("\n")).words.filter((word) => word.length > 1);
  return [...new Set([...words, ...inNames])].slice(0, MOST);
}

/** Say how many words there are, and which are left out; "" if there are none. */
export function describeOwnWords({ words, rejected }: OwnWords): string {
  const count = words.length ? `${words.length} ${words.length === 1 ? "word" : "words"}` : "";
  if (!rejected.length) return count;
  const some = rejected.slice(0, 3).join(", ") + (rejected.length > 3 ? ` and ${rejected.length - 3} more` : "");
  return `${count ? `${count}. ` : ""}Left out: ${some}. A word has 1 to 32 letters, A to Z; ${MOST} words are the most.`;
}
