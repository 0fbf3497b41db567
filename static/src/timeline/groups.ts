/** The list of patient groups, kept fresh by the same events as the open record. */

import { signal } from "@preact/signals";
import { get } from "../ground/api";
import { drop, names, put, take } from "../ground/database";
import { me } from "../ground/session";
import type { Changes, Group, GroupLine, Revision } from "../ground/shapes";

const EXCERPT_CHARACTERS = 60;

export const groupLines = signal<readonly GroupLine[]>([]);
export const groupsState = signal<"new" | "ready">("new");
/** When the list last came from the server; tells how old it is without signal. */
export const groupsAsOf = signal<number | null>(null);
/** The record that stands open in front of the person: its posts are not counted as unread. */
export const groupInView = signal<string | null>(null);

export async function showKeptGroups(): Promise<void> {
  const kept = await take<{ lines: GroupLine[]; at: number }>("cache", "groups");
  if (kept && groupsState.value === "new") {
    groupLines.value = kept.lines;
    groupsAsOf.value = kept.at;
    groupsState.value = "ready";
  }
}

/** The reading of the list that is on its way, so that a look at the start does not ask for the same again. */
let asking: Promise<void> | null = null;

/** Resolves when no reading of the list is on its way, whether it succeeded or not. */
export async function groupsSettled(): Promise<void> {
  await asking?.catch(() => undefined);
}

export function loadGroups(): Promise<void> {
  const mine = readGroups().finally(() => {
    if (asking === mine) asking = null;
  });
  asking = mine;
  return mine;
}

async function readGroups(): Promise<void> {
  const { groups } = await get<{ groups: GroupLine[] }>("/groups");
  groupLines.value = groups;
  groupsAsOf.value = Date.now();
  groupsState.value = "ready";
  await put("cache", "groups", { lines: groups, at: groupsAsOf.value });
  await eraseOthers(new Set(groups.map((line) => line.id))).catch(() => undefined);
}

/** What the phone keeps of a group goes with the right to read it: "log:group", "alert:number" of that group and so on. */
async function eraseOthers(mine: ReadonlySet<string>): Promise<void> {
  for (const name of await names("cache")) {
    const [room, id = ""] = name.split(":");
    if (!id) continue;
    const groupId = room === "alert" ? ((await take<{ group_id: string }>("cache", name))?.group_id ?? "") : id;
    if (!mine.has(groupId)) await drop("cache", name);
  }
}

export function clearGroups(): void {
  groupLines.value = [];
  groupsState.value = "new";
  groupsAsOf.value = null;
}

/** Newest first; a group with an open alert stands above all. */
export function inOrder(lines: readonly GroupLine[], urgent: ReadonlySet<string>): GroupLine[] {
  return [...lines].sort((a, b) => {
    if (urgent.has(a.id) !== urgent.has(b.id)) return urgent.has(a.id) ? -1 : 1;
    return (b.last_post?.created_at ?? "").localeCompare(a.last_post?.created_at ?? "");
  });
}

export function hearForList(changes: Changes): void {
  groupLines.value = groupLines.value.map((line) => (line.id === changes.group_id ? moved(line, changes) : line));
}

function moved(line: GroupLine, changes: Changes): GroupLine {
  const fresh = changes.revisions.filter((row) => row.sequence > line.last_sequence);
  const last = [...fresh].reverse().find((row) => row.text !== null || row.notice !== null);
  const others = fresh.filter((row) => row.author_id !== me.value?.person.id);
  const asking = others.filter((row) => row.revision === 1 && (row.kind === "question" || row.kind === "instruction"));
  return {
    ...line,
    last_sequence: Math.max(line.last_sequence, changes.last_sequence),
    last_mark: Math.max(line.last_mark, changes.last_mark),
    unread: groupInView.value === line.id ? line.unread : line.unread + others.length,
    awaiting: line.awaiting + asking.length,
    last_post: last ? lastPost(last, changes) : line.last_post,
  };
}

function lastPost(row: Revision, changes: Changes): GroupLine["last_post"] {
  const who = row.author_id ?? String(row.notice?.["person_id"] ?? "");
  return {
    kind: row.kind,
    excerpt: (row.text ?? "").slice(0, EXCERPT_CHARACTERS),
    author_name: changes.people[who]?.name ?? "",
    created_at: row.created_at,
    notice: row.notice,
  };
}

export function markRead(groupId: string, sequence: number): void {
  groupLines.value = groupLines.value.map((line) =>
    line.id === groupId ? { ...line, unread: 0, read_sequence: Math.max(line.read_sequence, sequence) } : line,
  );
}

/** One group with its members; from the phone when there is no signal. */
export async function loadGroup(groupId: string): Promise<Group> {
  try {
    const group = await get<Group>(`/groups/${groupId}`);
    await put("cache", `group:${groupId}`, group);
    return group;
  } catch (error) {
    const kept = await take<Group>("cache", `group:${groupId}`);
    if (kept && !(error instanceof Error && "status" in error && error.status === 404)) return kept;
    throw error;
  }
}
