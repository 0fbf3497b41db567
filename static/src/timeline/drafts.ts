/** Half-written words, one per group, kept through a dead battery. */

import { signal } from "@preact/signals";
import { drop, put, take } from "../ground/database";

export interface Draft {
  text: string;
  kind: string;
}

/** Counted up when a draft changes behind an open composer. */
export const draftPut = signal<{ group_id: string; count: number }>({ group_id: "", count: 0 });

export async function loadDraft(groupId: string): Promise<Draft | null> {
  return take<Draft>("cache", `draft:${groupId}`);
}

export async function keepDraft(groupId: string, draft: Draft): Promise<void> {
  if (draft.text.trim() === "") return drop("cache", `draft:${groupId}`);
  await put("cache", `draft:${groupId}`, draft);
}

/** From outside the composer, which then shows it. */
export async function saveDraft(groupId: string, draft: Draft): Promise<void> {
  await keepDraft(groupId, draft);
  draftPut.value = { group_id: groupId, count: draftPut.value.count + 1 };
}
