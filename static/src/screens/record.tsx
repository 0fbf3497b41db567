/** 経過: the record as it grew, newest below, with the composer under it. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { send } from "../ground/api";
import { readLooked } from "../ground/live";
import { me } from "../ground/session";
import type { Group } from "../ground/shapes";
import { say } from "../ground/words";
import { Icon } from "../parts/icons";
import { Skeleton } from "../parts/later";
import { useNow } from "../parts/loading";
import { professionName } from "../parts/marks";
import { Trouble } from "../parts/problem";
import { Windowed, type WindowedHandle } from "../parts/windowed";
import { markRead } from "../timeline/groups";
import { letters } from "../timeline/outbox";
import { posts, rowsOf, stillWaiting, unreadOf } from "../timeline/rows";
import { type Timeline, timelineOf } from "../timeline/timeline";
import { Composer, type ComposerAsk } from "./composer";
import { PostDialog, type Asked } from "./post_dialog";
import { RecordRow } from "./record_row";
import { WaitingLetters } from "./waiting";

/** So many unread posts are loaded before the page stands at the first of them; beyond, it stands at the end. */
const UNREAD_TO_LOAD = 300;
/** Reading takes a moment: a page flicked past is not read. */
const READ_AFTER_MILLISECONDS = 800;

export function RecordTab({ group, reload }: { group: Group; reload: () => Promise<void> }) {
  const timeline = useMemo(() => timelineOf(group.id), [group.id]);
  const readBefore = useRef(group.read_sequence).current;
  const [trouble, setTrouble] = useState<unknown>(null);
  const [isPlaced, setIsPlaced] = useState(false);
  useEffect(() => {
    setIsPlaced(false);
    void openAtUnread(timeline, group)
      .catch(setTrouble)
      .finally(() => setIsPlaced(true));
  }, [timeline]);
  const isKept = timeline.log.value.high > 0;
  if (!isPlaced && !(trouble && isKept)) return <Skeleton />;
  return (
    <>
      {trouble && !isKept ? <Trouble error={trouble} onRetry={() => void reload()} /> : null}
      <RecordPage group={group} reload={reload} timeline={timeline} readBefore={readBefore} />
    </>
  );
}

async function openAtUnread(timeline: Timeline, group: Group): Promise<void> {
  const readBefore = group.read_sequence;
  // The page has opened it while the group was read: asking again would only make the reader wait.
  if (!timeline.holds(group)) await timeline.open();
  for (;;) {
    const { low, high } = timeline.log.value;
    if (low <= readBefore + 1 || high - readBefore > UNREAD_TO_LOAD) return;
    await timeline.loadOlder();
    if (timeline.log.value.low === low) return;
  }
}

interface PageProps {
  group: Group;
  reload: () => Promise<void>;
  timeline: Timeline;
  readBefore: number;
}

function RecordPage({ group, reload, timeline, readBefore }: PageProps) {
  const log = timeline.log.value;
  const now = useNow(60_000);
  const day = Math.floor(now / 3_600_000);
  const found = useMemo(() => posts(log), [log]);
  // Fixed while the page is open: what comes in meanwhile is read as it comes.
  const unread = useRef(unreadOf(log, readBefore, me.value?.person.id ?? "")).current;
  const rows = useMemo(() => rowsOf(log, found, unread), [log, found, unread, day]);
  const startAt = useRef(rows.some((row) => row.key === "divider") ? "divider" : null).current;
  const handle = useRef<WindowedHandle | null>(null);
  const [isAtEnd, setIsAtEnd] = useState(startAt === null);
  const [asked, setAsked] = useState<Asked | null>(null);
  const [written, setWritten] = useState<ComposerAsk | null>(null);
  const seen = useSeen(group, timeline, isAtEnd, reload);
  useOthersReads(group, log.high, reload);
  const waiting = stillWaiting(letters.value, group.id, found);
  const isNewBelow = !isAtEnd && log.high > seen;
  return (
    <div class="record">
      <NewsVoice timeline={timeline} />
      <div class="record-list">
        {rows.length === 0 && waiting.length === 0 && <p class="empty">{say("record.empty")}</p>}
        <Windowed
          rows={rows}
          isAnchor={(row) => row.type !== "day"}
          startAt={startAt}
          label={say("record.label", { name: group.patient.name })}
          isBusy={timeline.isOlderLoading.value}
          handle={handle}
          onNearTop={() => void timeline.loadOlder().catch(() => undefined)}
          onAtEnd={setIsAtEnd}
          draw={(row, place) => (
            <RecordRow
              row={row}
              place={place}
              count={rows.length}
              log={log}
              found={found}
              group={group}
              now={now}
              onAsk={setAsked}
              onReply={(post) => setWritten({ type: "reply", post })}
              onCorrect={(post) => setWritten({ type: "correct", post })}
              onJump={(key) => handle.current?.toRow(key)}
            />
          )}
          foot={<WaitingLetters letters={waiting} group={group} />}
        />
        {isNewBelow && (
          <button type="button" class="news-pill" onClick={() => handle.current?.toEnd()}>
            <Icon name="down" />
            {say("record.news")}
          </button>
        )}
        {!isAtEnd && !isNewBelow && (
          <button type="button" class="end-pill" aria-label={say("record.to_end")} onClick={() => handle.current?.toEnd()}>
            <Icon name="down" />
          </button>
        )}
      </div>
      <Composer
        group={group}
        log={log}
        found={found}
        asked={written}
        onSent={() => {
          setWritten(null);
          handle.current?.toEnd();
        }}
      />
      {asked && <PostDialog asked={asked} log={log} group={group} onClose={() => setAsked(null)} />}
    </div>
  );
}

/** Tell the server how far this person has read, once the end has been before their eyes for a moment. */
function useSeen(group: Group, timeline: Timeline, isAtEnd: boolean, reload: () => Promise<void>): number {
  const { high } = timeline.log.value;
  const [seen, setSeen] = useState(high);
  const told = useRef(group.read_sequence);
  useEffect(() => {
    if (!isAtEnd) return;
    setSeen(high);
    const timer = setTimeout(() => {
      if (document.visibilityState !== "visible" || high <= told.current) return;
      told.current = high;
      markRead(group.id, high);
      send("PUT", `/groups/${group.id}/read`, { sequence: high })
        .then(reload)
        .catch(() => {
          told.current = 0;
        });
    }, READ_AFTER_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [isAtEnd, high]);
  return seen;
}

/** With each look: has somebody read on? Nothing is asked once everybody has read all. */
function useOthersReads(group: Group, high: number, reload: () => Promise<void>): void {
  const look = readLooked.value;
  // What it came with is fresh.
  const seen = useRef(look);
  const isAllRead = group.members.every((member) => member.read_sequence >= high);
  useEffect(() => {
    if (look === seen.current) return;
    seen.current = look;
    if (!isAllRead) void reload();
  }, [look]);
}

/** A screen reader hears who wrote, not the whole text. */
function NewsVoice({ timeline }: { timeline: Timeline }) {
  const { revisions, people, high } = timeline.log.value;
  const first = useRef(high);
  const last = revisions.at(-1);
  const isNews = last && last.sequence > first.current && last.author_id !== me.value?.person.id;
  const author = people[last?.author_id ?? ""];
  return (
    <div class="hidden" role="status" aria-live="polite">
      {isNews && author ? say("record.news_voice", { name: author.name, profession: professionName(author.profession) }) : ""}
    </div>
  );
}
