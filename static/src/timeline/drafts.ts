/** Half-written words, one per group, kept through a dead battery. */

import { signal } from "@preact/signals";
import { drop, put, take } from "../ground/database";

export interface Draft {
  text: string;
  kind: string;
  /** The post that is answered. */
  reply_to?: string;
}

/** A correction half-written: of which post, and how it reads so far. */
export interface Correction {
  post_id: string;
  text: string;
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

/** From outside the composer, which then shows it. Words that stand there already stay above. */
export async function saveDraft(groupId: string, draft: Draft): Promise<void> {
  const before = await loadDraft(groupId);
  const text = before?.text.trim() ? `${before.text.trimEnd()}\n\n${draft.text}` : draft.text;
  await keepDraft(groupId, { ...draft, text });
  draftPut.value = { group_id: groupId, count: draftPut.value.count + 1 };
}

export async function loadCorrection(groupId: string): Promise<Correction | null> {
  return take<Correction>("cache", `correction:${groupId}`);
}

export async function keepCorrection(groupId: string, correction: Correction | null): Promise<void> {
  if (!correction) return drop("cache", `correction:${groupId}`);
  await put("cache", `correction:${groupId}`, correction);
}
