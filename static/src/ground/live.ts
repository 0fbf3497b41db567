/** Staying up to date: the socket for speed, a cheap question on a clock for certainty. */

import { type Signal, signal } from "@preact/signals";
import type { Socket } from "socket.io-client";
import { loadAlerts, openAlertIds, alertRang } from "../timeline/alerts";
import { groupInView, groupLines, groupsSettled, hearForList, loadGroups } from "../timeline/groups";
import { flush } from "../timeline/outbox";
import { dropTimeline, openTimelines } from "../timeline/timeline";
import { get, NoSignal } from "./api";
import { isUntouched } from "./idle";
import { expelled, isOffline, renew } from "./session";
import type { Changes, GroupsState } from "./shapes";

const CHECK_MILLISECONDS = 20_000;
const CHECK_IN_ALERT_MILLISECONDS = 5_000;

/** Does the server answer? What the bar on top says. */
export const hasSignal = signal(true);
/** Counted up for every change of a group's members or card, and of a sheet: open screens read again. */
export const groupChanged = signal<Touched>({ id: "", count: 0 });
export const sheetChanged = signal<Touched>({ id: "", count: 0 });

/** Counted up by each look while a record is in view: it then asks how far the others have read. */
export const readLooked = signal(0);

export interface Touched {
  id: string;
  count: number;
}

let isLive = false;
let socket: Socket | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;

export function goLive(): void {
  if (isLive) return;
  isLive = true;
  void connect();
  plan();
}

/** Fetched after the first screen: what is read first needs no socket. Without signal the next look tries again. */
async function connect(): Promise<void> {
  const { io } = await import("socket.io-client").catch(() => ({ io: null }));
  if (!io || !isLive || socket) return;
  socket = io({ transports: ["websocket"], reconnectionDelay: 1_000, reconnectionDelayMax: 20_000, randomizationFactor: 0.5 });
  socket.on("connect", () => void check("connected"));
  socket.on("changes", hear);
  socket.on("groups", (news: { group_id: string }) => void groupsMoved(news.group_id));
  socket.on("record", (news: { id: string }) => touch(groupChanged, news.id));
  socket.on("alert", (news: { id: string }) => void alertRang(news.id));
  socket.on("sheet", (news: { id: string }) => touch(sheetChanged, news.id));
  socket.on("signed-out", () => expelled());
}

export function goQuiet(): void {
  isLive = false;
  socket?.disconnect();
  socket = null;
  clearTimeout(timer);
}

function touch(what: Signal<Touched>, id: string): void {
  what.value = { id, count: what.value.count + 1 };
}

/** Somebody came into or out of a group: perhaps this person. What may no longer be read is let go at once. */
async function groupsMoved(groupId: string): Promise<void> {
  touch(groupChanged, groupId);
  await loadGroups().catch(() => undefined);
  letGo();
  await loadAlerts().catch(() => undefined);
}

/** Records that are open here although the list does not name their group any more. */
function letGo(): void {
  const listed = new Set(groupLines.value.map((line) => line.id));
  for (const { groupId } of openTimelines()) {
    if (listed.has(groupId)) continue;
    dropTimeline(groupId);
    touch(groupChanged, groupId);
  }
}

function hear(changes: Changes): void {
  hearForList(changes);
  // A notice carries ids; the list's answer knows the name of who acted.
  if (changes.revisions.some((row) => row.notice !== null)) void loadGroups().catch(() => undefined);
  for (const timeline of openTimelines()) {
    if (timeline.groupId === changes.group_id) timeline.hear(changes);
  }
}

/** Compare every number with the server's; ask for what is missing. Runs on connecting, on the clock, on waking. */
export async function check(why: "connected" | "clock" = "clock"): Promise<void> {
  // Asking would keep the session of a phone awake that nobody holds.
  if (isLive && isUntouched()) return expelled("idle");
  try {
    if (isOffline.value) await renew();
    const state = await get<GroupsState>("/groups/state");
    hasSignal.value = true;
    if (!socket) void connect();
    else if (!socket.connected) socket.connect();
    await Promise.all([compareGroups(state), compareAlerts(state), flush()]);
    // How far the others have read moves no number: the open record asks for it. A connection is made when a record
    // was just read, or after a gap that the clock ends soon.
    if (why === "clock" && groupInView.value && document.visibilityState === "visible") readLooked.value += 1;
  } catch (error) {
    if (error instanceof NoSignal) hasSignal.value = false;
  } finally {
    plan();
  }
}

async function compareGroups(state: GroupsState): Promise<void> {
  const numbers = new Map(state.groups.map((group) => [group.id, group]));
  const late = openTimelines().filter((timeline) => {
    const there = numbers.get(timeline.groupId);
    const { high, lastMark } = timeline.log.value;
    return there && !timeline.isOpening && timeline.state.value !== "new" && (there.last_sequence > high || there.last_mark > lastMark);
  });
  await Promise.all([...late.map((timeline) => timeline.catchUp()), compareList(numbers)]);
}

async function compareList(numbers: ReadonlyMap<string, { last_sequence: number }>): Promise<void> {
  await groupsSettled();
  const isOld =
    numbers.size !== groupLines.value.length ||
    groupLines.value.some((line) => numbers.get(line.id)?.last_sequence !== line.last_sequence);
  if (isOld) await loadGroups().then(letGo);
}

async function compareAlerts(state: GroupsState): Promise<void> {
  const known = openAlertIds.value;
  const isSame = state.open_alerts.length === known.length && state.open_alerts.every((id) => known.includes(id));
  if (!isSame) await loadAlerts();
}

function plan(): void {
  clearTimeout(timer);
  if (!isLive) return;
  const wait = openAlertIds.value.length > 0 ? CHECK_IN_ALERT_MILLISECONDS : CHECK_MILLISECONDS;
  // Cut by chance, so that a whole ward of phones does not ask in the same second after an outage.
  timer = setTimeout(() => void check(), wait * (0.9 + Math.random() / 5));
}

if (typeof window !== "undefined") {
  window.addEventListener("online", () => void check());
  window.addEventListener("offline", () => (hasSignal.value = false));
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible" && isLive) void check();
  });
}
