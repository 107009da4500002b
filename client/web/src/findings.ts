import type { LetterReport, ProfileReply } from "./correction";

export interface Findings {
  verdict: string;
  findings: string[];
  /** Letters that are better shown again. */
  doubtful: string[];
}

/** Describe what the service said of a hand's samples, in sentences. */
export function describeReport(report: ProfileReply | null): Findings {
  if (!report) return { verdict: "", findings: [], doubtful: [] };
  const changed = report.letters.filter(({ before, after }) => before !== null && after !== null && before !== after);
  const rises = ({ before, after }: LetterReport) => (after ?? 0) > (before ?? 0);
  const worse = changed.filter((letter) => !rises(letter));
  const findings = [
    ...describeChange("worse", worse),
    ...report.alike.map(([one, other]) => `${one} and ${other} look alike: show them again, as different as you can.`),
    ...describeDropped(report),
    ...describeChange("better", changed.filter(rises)),
  ];
  const better = changed.length - worse.length;
  const letters = report.letters.length;
  const verdict =
    `Your hand is known: ${letters} ${letters === 1 ? "letter" : "letters"}. ` +
    (better ? `${better} ${better === 1 ? "is" : "are"} recognised better now.` : "They are recognised as well as before.");
  const doubtful = [
    ...worse.map(({ letter }) => letter),
    ...report.alike.flat(),
    ...report.dropped.map(({ letter }) => letter),
  ];
  return { verdict, findings, doubtful: [...new Set(doubtful)].sort() };
}

function describeChange(how: string, letters: LetterReport[]): string[] {
  if (!letters.length) return [];
  const percent = (share: number | null) => Math.round(100 * (share ?? 0));
  const changes = letters.map(
    ({ letter, before, after }) => `${letter}\u00a0${percent(before)}\u00a0→\u00a0${percent(after)}`,
  );
  return [`Read ${how}, in percent of your samples before → now: ${changes.join(", ")}.`];
}

function describeDropped({ dropped }: ProfileReply): string[] {
  const counts = new Map<string, number>();
  for (const { letter, reads } of dropped) {
    const what = reads === null || reads === letter ? `of ${letter}` : `of ${letter} that looks like ${reads}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return [...counts].map(([what, count]) =>
    count === 1 ? `A sample ${what} is not used.` : `${count} samples ${what.replace("looks", "look")} are not used.`,
  );
}
