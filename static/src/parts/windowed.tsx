/** A list that draws only what can be seen, so that ten thousand posts scroll like ten.
 *
 * Rows have any height; heights are measured as they appear and estimated before. What the reader looks at stays
 * where it is when rows are added above, below, or change their height: the row at the top edge is the anchor.
 */

import type { ComponentChildren } from "preact";
import { useEffect, useImperativeHandle, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { countOffsets, rowAt } from "./offsets";

const ESTIMATE_PIXELS = 150;
const BEYOND_PIXELS = 900;
const NEAR_TOP_PIXELS = 1_200;
const AT_END_PIXELS = 48;
/** After being told to stand at the end: rows that get their real heights meanwhile do not lead away from it. */
const HOLD_END_MILLISECONDS = 500;

export interface WindowedHandle {
  toEnd: () => void;
  toRow: (key: string) => void;
}

interface WindowedProps<Row extends { key: string }> {
  rows: readonly Row[];
  draw: (row: Row, place: number) => ComponentChildren;
  /** False for rows that move when older ones come (the name of the day): they cannot hold the reader's place. */
  isAnchor: (row: Row) => boolean;
  /** Where to stand first: a row's key, or the end. */
  startAt: string | null;
  label: string;
  isBusy: boolean;
  onNearTop: () => void;
  onAtEnd: (isAtEnd: boolean) => void;
  handle: { current: WindowedHandle | null };
  /** Drawn after the last row, inside the scrolling part. */
  foot?: ComponentChildren;
}

export function Windowed<Row extends { key: string }>(props: WindowedProps<Row>) {
  const { rows } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const window_ = useRef<HTMLDivElement>(null);
  const above = useRef<HTMLDivElement>(null);
  const below = useRef<HTMLDivElement>(null);
  const heights = useRef(new Map<string, number>());
  const stand = useRef<{ atEnd: boolean; key: string | null; delta: number }>({
    atEnd: props.startAt === null,
    key: props.startAt,
    delta: -24,
  });
  const [range, setRange] = useState<[number, number]>(() => firstRange(rows, props.startAt));
  const settledRows = useRef<readonly Row[] | null>(null);
  const mustStand = useRef(true);
  const holdEndUntil = useRef(0);
  /** Where the page itself put the reader last: the browser tells of that as if a hand had scrolled. */
  const placedAt = useRef(-1);
  const toldAtEnd = useRef(false);
  const [, redraw] = useState(0);
  const drawAgain = () => {
    mustStand.current = true;
    redraw((count) => count + 1);
  };

  const index = useMemo(() => new Map(rows.map((row, place) => [row.key, place])), [rows]);
  const measured = useRef(0);
  const offsets = useMemo(() => countOffsets(rows, heights.current, ESTIMATE_PIXELS), [rows, measured.current]);
  const offsetsNow = useRef(offsets);
  offsetsNow.current = offsets;

  const first = Math.min(range[0], Math.max(0, rows.length - 1));
  const last = Math.min(Math.max(range[1], first + 1), rows.length);

  /** Take the real heights, put the spacers right, and stand where the reader stood. */
  function settle() {
    const box = scroller.current;
    if (!box || !window_.current) return;
    // Before anything is measured: rows that have just left would make the list shorter for a moment, and the browser
    // would then push a reader at the end away from it.
    space(offsetsNow.current);
    let changed = false;
    for (const child of window_.current.children) {
      const key = (child as HTMLElement).dataset["key"] ?? "";
      const height = (child as HTMLElement).offsetHeight;
      if (height > 0 && heights.current.get(key) !== height) {
        heights.current.set(key, height);
        changed = true;
      }
    }
    // Rows came while the end was in sight: the reader goes on seeing it.
    if (settledRows.current && settledRows.current !== rows && toldAtEnd.current) stand.current = { atEnd: true, key: null, delta: 0 };
    const isMoved = changed || settledRows.current !== rows || mustStand.current;
    settledRows.current = rows;
    mustStand.current = false;
    if (changed) measured.current += 1;
    if (changed) offsetsNow.current = countOffsets(rows, heights.current, ESTIMATE_PIXELS);
    const now = offsetsNow.current;
    if (changed) space(now);
    if (isMoved) standAgain(box, now);
    // A record that fits its window is never scrolled: nobody else would say that its end is seen.
    tell(isAtEndOf(box));
    look();
  }

  /** As much room above and below as the rows need that are not drawn. */
  function space(now: Float64Array) {
    if (above.current) above.current.style.height = `${now[first] ?? 0}px`;
    if (below.current) below.current.style.height = `${(now[rows.length] ?? 0) - (now[last] ?? 0)}px`;
  }

  function standAgain(box: HTMLDivElement, now: Float64Array) {
    const { atEnd, key, delta } = stand.current;
    const place = key === null ? undefined : index.get(key);
    if (atEnd) box.scrollTop = box.scrollHeight;
    else if (place !== undefined) {
      const wanted = Math.max(0, (now[place] ?? 0) + delta);
      if (Math.abs(box.scrollTop - wanted) > 1) box.scrollTop = wanted;
      placedAt.current = box.scrollTop;
    }
  }

  /** Which rows must be drawn for where the reader is now. */
  function look() {
    const box = scroller.current;
    if (!box || rows.length === 0) return;
    const now = offsetsNow.current;
    const from = rowAt(now, rows.length, box.scrollTop - BEYOND_PIXELS);
    const to = rowAt(now, rows.length, box.scrollTop + box.clientHeight + BEYOND_PIXELS) + 1;
    setRange((old) => (old[0] === from && old[1] === to ? old : [from, to]));
  }

  function onScroll() {
    const box = scroller.current;
    if (!box) return;
    if (performance.now() < holdEndUntil.current) {
      box.scrollTop = box.scrollHeight;
      look();
      return;
    }
    const now = offsetsNow.current;
    const atEnd = isAtEndOf(box);
    tell(atEnd);
    // The end may be so near that standing at a row is standing at the end, too: the row stays in sight.
    if (!stand.current.atEnd && box.scrollTop === placedAt.current) return look();
    let place = rowAt(now, rows.length, box.scrollTop);
    while (place < rows.length - 1 && !props.isAnchor(rows[place]!)) place += 1;
    stand.current = { atEnd, key: rows[place]?.key ?? null, delta: box.scrollTop - (now[place] ?? 0) };
    if (box.scrollTop < NEAR_TOP_PIXELS) props.onNearTop();
    look();
  }

  function tell(atEnd: boolean) {
    if (atEnd !== toldAtEnd.current) props.onAtEnd(atEnd);
    toldAtEnd.current = atEnd;
  }

  /** A hand on the page is stronger than the hold. */
  function letGo() {
    holdEndUntil.current = 0;
  }

  useLayoutEffect(settle);
  useEffect(() => {
    props.onAtEnd(stand.current.atEnd);
    toldAtEnd.current = stand.current.atEnd;
    const box = scroller.current;
    if (!box || typeof ResizeObserver === "undefined") return;
    let width = box.clientWidth;
    const observer = new ResizeObserver(() => {
      if (box.clientWidth !== width) {
        heights.current.clear();
        measured.current += 1;
      }
      width = box.clientWidth;
      drawAgain();
    });
    observer.observe(box);
    if (window_.current) observer.observe(window_.current);
    return () => observer.disconnect();
  }, []);

  useImperativeHandle(props.handle, () => ({
    toEnd() {
      holdEndUntil.current = performance.now() + HOLD_END_MILLISECONDS;
      stand.current = { atEnd: true, key: null, delta: 0 };
      setRange([Math.max(0, rows.length - 12), rows.length]);
      props.onAtEnd(true);
      toldAtEnd.current = true;
      drawAgain();
    },
    toRow(key: string) {
      holdEndUntil.current = 0;
      const place = index.get(key);
      if (place === undefined) return;
      stand.current = { atEnd: false, key, delta: -96 };
      setRange([Math.max(0, place - 6), place + 12]);
      drawAgain();
    },
  }));

  return (
    <div class="windowed" ref={scroller} onScroll={onScroll} onPointerDown={letGo} onWheel={letGo}>
      <div ref={above} />
      <div ref={window_} role="region" aria-label={props.label} aria-busy={props.isBusy}>
        {rows.slice(first, last).map((row, place) => (
          <div key={row.key} data-key={row.key} class="windowed-row">
            {props.draw(row, first + place)}
          </div>
        ))}
      </div>
      <div ref={below} />
      {props.foot}
    </div>
  );
}

function isAtEndOf(box: HTMLElement): boolean {
  return box.scrollHeight - box.scrollTop - box.clientHeight < AT_END_PIXELS;
}

function firstRange(rows: readonly { key: string }[], startAt: string | null): [number, number] {
  const place = startAt === null ? -1 : rows.findIndex((row) => row.key === startAt);
  return place < 0 ? [Math.max(0, rows.length - 12), rows.length] : [Math.max(0, place - 4), place + 12];
}
