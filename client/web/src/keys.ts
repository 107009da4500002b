/** Keys and what they do; the window has the same ones. */

/** A key's name as it is shown, its value in events, the action, and what that does. */
const KEYS: readonly [name: string, key: string, action: string, does: string][] = [
  ["Space", " ", "space", "end the word, with a space"],
  ["Backspace", "backspace", "delete", "delete the last letter; twice at once: the word"],
  ["Z", "z", "undo", "undo the last change of the text"],
  ["1 2 3", "1", "choose-1", "end the word as the one with this number"],
  ["", "2", "choose-2", ""],
  ["", "3", "choose-3", ""],
  ["R", "r", "as-read", "the last word as it was read; again: the word"],
  ["V", "v", "words", "make words of letters, or not"],
  ["W", "w", "wrong", "the last letter was another one: learn it"],
  ["U", "u", "forget", "take back what was learned last"],
  ["X", "x", "new-line", "begin a new line; the one before is kept"],
  ["C", "c", "copy", "copy the text"],
  ["S", "s", "speak", "read it aloud"],
  ["B", "b", "large", "show it large, for the person opposite"],
  ["M", "m", "mirror", "the picture as in a mirror, or not"],
  ["P", "p", "pause", "send nothing until you continue"],
  ["Y", "y", "hand", "your hand, to be recognised better"],
  ["E", "e", "tab-read", "read"],
  ["T", "t", "tab-practise", "practise"],
  ["L", "l", "tab-letters", "letters"],
  ["N", "n", "camera", "the next camera"],
  ["H", "h", "settings", "settings and keys"],
];

/** What each key does. */
export const ACTIONS: ReadonlyMap<string, string> = new Map(KEYS.map(([, key, action]) => [key, action]));

/** The names of keys, and what they do. */
export const HELP: readonly [name: string, does: string][] = KEYS.filter(([name]) => name).map(([name, , , does]) => [name, does]);
