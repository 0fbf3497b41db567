/** One opened group's record: loads, catches up, hears the socket. Every way in goes through the same fold. */

import { signal } from "@preact/signals";
import { get } from "../ground/api";
import { put, take } from "../ground/database";
import type { Changes, Page, Revision } from "../ground/shapes";
import { emptyLog, foldNews, foldOlder, type Log, startLog } from "./fold";

const PAGE_LIMIT = 50;
/** Catching up takes the server's largest page. */
const CATCH_UP_LIMIT = 200;
/** Further behind than this, the newest page is read afresh instead of everything in between. */
const FAR_BEHIND = 2_000;
/** What is kept on the phone for reading without signal. */
const KEPT_REVISIONS = 200;
const KEPT_TIMELINES = 8;

export class Timeline {
  readonly log = signal<Log>(emptyLog);
  readonly state = signal<"new" | "loading" | "ready" | "offline">("new");
  readonly isOlderLoading = signal(false);
  private catching: Promise<void> | null = null;
  private again = false;
  private isRead = false;
  private opening: Promise<void> | null = null;

  constructor(readonly groupId: string) {}

  get hasOlder(): boolean {
    return this.log.value.low > 1;
  }

  get isOpening(): boolean {
    return this.opening !== null;
  }

  /** Whether it was read from the server up to these numbers. */
  holds(there: { last_sequence: number; last_mark: number }): boolean {
    const { high, lastMark } = this.log.value;
    return this.isRead && high >= there.last_sequence && lastMark >= there.last_mark;
  }

  /** Show what the phone holds at once, then what the server holds. Throws what the request threw. */
  open(): Promise<void> {
    this.opening ??= this.openNow().finally(() => (this.opening = null));
    return this.opening;
  }

  private async openNow(): Promise<void> {
    if (this.state.value === "new") {
      this.state.value = "loading";
      const kept = await take<{ log: Omit<Log, "marks">; marks: [string, []][] }>("cache", `log:${this.groupId}`);
      if (kept && this.log.value.high === 0) {
        this.log.value = { ...kept.log, marks: new Map(kept.marks) };
        this.state.value = "ready";
      }
    }
    if (this.log.value.high > 0) return this.catchUp();
    const page = await get<Page>(`/groups/${this.groupId}/posts?limit=${PAGE_LIMIT}`);
    this.log.value = startLog(page);
    this.state.value = "ready";
    this.isRead = true;
    this.keep();
  }

  /** Ask for all that lies after what is held; at most one request at a time, and one more if asked meanwhile. */
  catchUp(): Promise<void> {
    if (this.catching) {
      this.again = true;
      return this.catching;
    }
    this.catching = this.askOn().finally(() => {
      this.catching = null;
      if (this.again) {
        this.again = false;
        void this.catchUp().catch(() => undefined);
      }
    });
    return this.catching;
  }

  private async askOn(): Promise<void> {
    for (;;) {
      const { high, lastMark } = this.log.value;
      const query = `after=${high}&marks_after=${lastMark}&limit=${CATCH_UP_LIMIT}`;
      const page = await get<Page>(`/groups/${this.groupId}/posts?${query}`);
      if (page.last_sequence - high > FAR_BEHIND) {
        this.log.value = startLog(await get<Page>(`/groups/${this.groupId}/posts?limit=${PAGE_LIMIT}`));
        break;
      }
      const { log, hole } = foldNews(this.log.value, page);
      const moved = log !== this.log.value;
      this.log.value = log;
      if (!moved || !(hole || page.has_more)) break;
    }
    this.state.value = "ready";
    this.isRead = true;
    this.keep();
  }

  /** From the socket. A hole is asked for over HTTP, never drawn over. */
  hear(changes: Changes): void {
    if (this.state.value === "new") return;
    const { log, hole } = foldNews(this.log.value, changes);
    if (log !== this.log.value) {
      this.log.value = log;
      this.keep();
    }
    if (hole) void this.catchUp().catch(() => undefined);
  }

  async loadOlder(): Promise<void> {
    if (this.isOlderLoading.value || !this.hasOlder) return;
    this.isOlderLoading.value = true;
    try {
      const page = await get<Page>(`/groups/${this.groupId}/posts?before=${this.log.value.low}&limit=${PAGE_LIMIT}`);
      this.log.value = foldOlder(this.log.value, page);
    } finally {
      this.isOlderLoading.value = false;
    }
  }

  has(postId: string): boolean {
    return this.log.value.revisions.some((row: Revision) => row.post_id === postId);
  }

  private keep(): void {
    const { revisions, low, ...rest } = this.log.value;
    const kept = revisions.slice(-KEPT_REVISIONS);
    const ids = new Set(kept.map((row) => row.post_id));
    const log = { ...rest, revisions: kept, low: kept[0]?.sequence ?? low };
    const marks = [...rest.marks].filter(([id]) => ids.has(id));
    void put("cache", `log:${this.groupId}`, { log: { ...log, marks: undefined }, marks }).catch(() => undefined);
  }
}

const timelines = new Map<string, Timeline>();

/** The same record for everybody who asks; the longest unused is let go. */
export function timelineOf(groupId: string): Timeline {
  const known = timelines.get(groupId) ?? new Timeline(groupId);
  timelines.delete(groupId);
  timelines.set(groupId, known);
  for (const [id] of timelines) {
    if (timelines.size <= KEPT_TIMELINES) break;
    timelines.delete(id);
  }
  return known;
}

export function openTimelines(): Timeline[] {
  return [...timelines.values()];
}

export function dropTimeline(groupId: string): void {
  timelines.delete(groupId);
}

export function dropAllTimelines(): void {
  timelines.clear();
}
