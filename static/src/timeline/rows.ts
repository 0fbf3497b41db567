/** From the log to the rows of the screen: days, posts as they read today, corrections, what the system noted. */

import { dayName, dayNumber } from "../ground/time";
import type { Notice, Revision } from "../ground/shapes";
import type { Log } from "./fold";
import type { Letter } from "./outbox";

export type Row =
  | { type: "day"; key: string; day: string }
  | { type: "divider"; key: string; count: number }
  | { type: "post"; key: string; post: PostView }
  | { type: "correction"; key: string; revision: Revision; of: PostView | null }
  | { type: "notice"; key: string; revision: Revision; notice: Notice };

export interface PostView {
  /** The first revision: its place in the record, its author and time. */
  first: Revision;
  /** The newest revision: its words. */
  latest: Revision;
}

/** Posts by id, each with its newest words. A correction of a post that is not loaded is not in here. */
export function posts(log: Log): Map<string, PostView> {
  const found = new Map<string, PostView>();
  for (const row of log.revisions) {
    if (row.revision === 1) found.set(row.post_id, { first: row, latest: row });
    else {
      const post = found.get(row.post_id);
      if (post && row.revision > post.latest.revision) post.latest = row;
    }
  }
  return found;
}

/** Letters that stand in the record already (the socket was faster than the answer) are not shown twice. */
export function stillWaiting(letters: readonly Letter[], groupId: string, found: Map<string, PostView>): Letter[] {
  return letters.filter((letter) => letter.group_id === groupId && letter.type !== "mark" && !isThere(letter, found));
}

function isThere(letter: Letter, found: Map<string, PostView>): boolean {
  if (letter.refused) return false;
  switch (letter.type) {
    case "post":
      return found.has(letter.id);
    case "alert":
      return found.has(letter.body.post_id);
    case "revision":
      return (found.get(letter.post_id)?.latest.revision ?? 0) >= letter.body.revision;
    case "mark":
      return false;
  }
}

/** What was new when the group was opened: before which number the divider stands, and how many rows of others. */
export interface Unread {
  from: number;
  count: number;
}

/** `readUpTo` is where this person stood. null when nothing of others is new, or when it is not all loaded. */
export function unreadOf(log: Log, readUpTo: number, personId: string): Unread | null {
  if (readUpTo === 0 || readUpTo < log.low - 1) return null;
  const fresh = log.revisions.filter((row) => row.sequence > readUpTo && row.author_id !== personId);
  return fresh[0] ? { from: fresh[0].sequence, count: fresh.length } : null;
}

export function rowsOf(log: Log, found: Map<string, PostView>, unread: Unread | null, now = Date.now()): Row[] {
  const rows: Row[] = [];
  let day = -1;
  for (const revision of log.revisions) {
    if (revision.sequence === unread?.from) rows.push({ type: "divider", key: "divider", count: unread.count });
    const number = dayNumber(revision.created_at);
    if (number !== day) {
      day = number;
      rows.push({ type: "day", key: `day-${number}`, day: dayName(revision.created_at, now) });
    }
    rows.push(rowOf(revision, found));
  }
  return rows;
}

function rowOf(revision: Revision, found: Map<string, PostView>): Row {
  const key = `${revision.post_id}/${revision.revision}`;
  if (revision.notice) return { type: "notice", key, revision, notice: revision.notice };
  const post = found.get(revision.post_id);
  if (revision.revision > 1) return { type: "correction", key, revision, of: post ?? null };
  return { type: "post", key, post: post ?? { first: revision, latest: revision } };
}
