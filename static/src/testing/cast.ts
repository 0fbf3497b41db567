/** Invented people and posts. */

import type { Mark, Page, Revision } from "../ground/shapes";

export const nurse = { name: "田中 花子", profession: "nurse", facility_name: "ひかり訪問看護ステーション" };
export const people = { nurse };

/** A report with this number; its id is derived from the number. */
export function row(sequence: number, more: Partial<Revision> = {}): Revision {
  return {
    sequence,
    post_id: `post-${sequence}`,
    revision: 1,
    kind: "report",
    author_id: "nurse",
    created_at: new Date(Date.UTC(2026, 10, 20) + sequence * 60_000).toISOString(),
    reply_to: null,
    text: `${sequence}番目の報告`,
    notice: null,
    ...more,
  };
}

export function rows(from: number, to: number): Revision[] {
  return Array.from({ length: to - from + 1 }, (_, place) => row(from + place));
}

export function mark(number: number, postId = "post-1", personId = `person-${number}`): Mark {
  return { mark: number, post_id: postId, person_id: personId, created_at: "2026-11-20T10:00:00Z" };
}

export function page(revisions: Revision[], more: Partial<Page> = {}): Page {
  const last = Math.max(0, ...revisions.map((one) => one.sequence));
  return { revisions, marks: [], people, last_sequence: last, last_mark: 0, has_more: false, ...more };
}
