/** The log of one group as the phone knows it: a gapless run of numbered revisions, and the marks on them.
 *
 * Pure: log in, log out. A hole is never drawn over: rows after it are left out and the caller is told to ask.
 */

import type { Mark, Page, People, Revision } from "../ground/shapes";

export interface Log {
  /** Ascending by sequence, from `low` to `high` without a gap. */
  revisions: readonly Revision[];
  /** First and last number held; `high` is `low - 1` when nothing is held. */
  low: number;
  high: number;
  /** post id -> its 了解, at most one per person, oldest first. */
  marks: ReadonlyMap<string, readonly Mark[]>;
  /** All marks up to this number have been seen. */
  lastMark: number;
  people: People;
}

export interface Folded {
  log: Log;
  /** There is more on the server than was folded in: ask for what comes after log.high and log.lastMark. */
  hole: boolean;
}

export const emptyLog: Log = { revisions: [], low: 1, high: 0, marks: new Map(), lastMark: 0, people: {} };

/** Begin with the newest page, whatever order it came in. */
export function startLog(page: Page): Log {
  const rows = tail([...page.revisions].sort(bySequence));
  const last = rows.at(-1)?.sequence ?? page.last_sequence;
  return {
    revisions: rows,
    low: rows[0]?.sequence ?? last + 1,
    high: last,
    marks: withMarks(new Map(), page.marks),
    lastMark: page.last_mark,
    people: page.people,
  };
}

interface News {
  revisions: Revision[];
  marks: Mark[];
  people: People;
  last_sequence: number;
  last_mark: number;
}

/** Fold in what came over the socket or as a catch-up page. Doubles are dropped, order does not matter. */
export function foldNews(log: Log, news: News): Folded {
  const added: Revision[] = [];
  let high = log.high;
  for (const row of [...news.revisions].sort(bySequence)) {
    if (row.sequence !== high + 1) continue;
    added.push(row);
    high = row.sequence;
  }
  const fresh: Mark[] = [];
  let lastMark = log.lastMark;
  for (const mark of [...news.marks].sort((a, b) => a.mark - b.mark)) {
    if (mark.mark !== lastMark + 1) continue;
    fresh.push(mark);
    lastMark = mark.mark;
  }
  const hole = news.last_sequence > high || news.last_mark > lastMark;
  if (added.length === 0 && fresh.length === 0) return { log, hole };
  return {
    hole,
    log: {
      ...log,
      revisions: added.length > 0 ? [...log.revisions, ...added] : log.revisions,
      low: log.revisions.length === 0 && added[0] ? added[0].sequence : log.low,
      high,
      marks: withMarks(log.marks, fresh),
      lastMark,
      people: { ...log.people, ...news.people },
    },
  };
}

/** Fold in a page of what lies before log.low. Rows that do not join on are left out. */
export function foldOlder(log: Log, page: Page): Log {
  const before: Revision[] = [];
  let low = log.low;
  for (const row of [...page.revisions].sort((a, b) => b.sequence - a.sequence)) {
    if (row.sequence !== low - 1) continue;
    before.push(row);
    low = row.sequence;
  }
  if (before.length === 0) return log;
  return {
    ...log,
    revisions: [...before.reverse(), ...log.revisions],
    low,
    marks: withMarks(log.marks, page.marks),
    people: { ...page.people, ...log.people },
  };
}

function withMarks(known: Log["marks"], fresh: readonly Mark[]): Log["marks"] {
  if (fresh.length === 0) return known;
  const marks = new Map(known);
  for (const mark of fresh) {
    const there = marks.get(mark.post_id) ?? [];
    if (there.some((other) => other.person_id === mark.person_id)) continue;
    marks.set(mark.post_id, [...there, mark].sort((a, b) => a.mark - b.mark));
  }
  return marks;
}

/** The gapless end of ascending rows: what lies before a gap is not shown as if it joined on. */
function tail(rows: Revision[]): Revision[] {
  let start = rows.length - 1;
  while (start > 0 && rows[start - 1]!.sequence === rows[start]!.sequence - 1) start -= 1;
  return rows.slice(Math.max(0, start));
}

function bySequence(a: Revision, b: Revision): number {
  return a.sequence - b.sequence;
}
