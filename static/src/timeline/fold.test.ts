import { describe, expect, it } from "vitest";
import { mark, page, row, rows } from "../testing/cast";
import { emptyLog, foldNews, foldOlder, type Log, startLog } from "./fold";

const numbers = (log: Log) => log.revisions.map((one) => one.sequence);
const isGapless = (log: Log) => log.revisions.every((one, place) => one.sequence === log.low + place) && log.high === log.low + log.revisions.length - 1;

/** A fixed stream of chances, so that a failure can be run again. */
function chances(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

describe("the log of a group", () => {
  it("starts from the newest page, whatever order it came in", () => {
    const log = startLog(page(rows(51, 100).reverse()));
    expect([log.low, log.high]).toEqual([51, 100]);
    expect(isGapless(log)).toBe(true);
  });

  it("takes the next post", () => {
    const { log, hole } = foldNews(startLog(page(rows(1, 3))), page([row(4)]));
    expect(numbers(log)).toEqual([1, 2, 3, 4]);
    expect(hole).toBe(false);
  });

  it("drops what it has already", () => {
    const before = startLog(page(rows(1, 3)));
    const { log, hole } = foldNews(before, page([row(2), row(3)]));
    expect(log).toBe(before);
    expect(hole).toBe(false);
  });

  it("does not draw over a hole, and says that there is one", () => {
    const { log, hole } = foldNews(startLog(page(rows(1, 3))), page([row(5)]));
    expect(numbers(log)).toEqual([1, 2, 3]);
    expect(hole).toBe(true);
  });

  it("sees a hole behind an empty message", () => {
    const { hole } = foldNews(startLog(page(rows(1, 3))), page([], { last_sequence: 9 }));
    expect(hole).toBe(true);
  });

  it("sees a missing mark as a hole too", () => {
    const start = startLog(page(rows(1, 3), { last_mark: 1, marks: [mark(1)] }));
    const { log, hole } = foldNews(start, page([], { last_sequence: 3, last_mark: 3, marks: [mark(3)] }));
    expect(log.lastMark).toBe(1);
    expect(hole).toBe(true);
  });

  it("counts one mark per person", () => {
    const start = startLog(page(rows(1, 1)));
    const twice = foldNews(start, page([], { last_sequence: 1, last_mark: 2, marks: [mark(1, "post-1", "a"), mark(2, "post-1", "a")] }));
    expect(twice.log.marks.get("post-1")).toHaveLength(1);
    expect(twice.log.lastMark).toBe(2);
  });

  it("joins older pages only where they meet", () => {
    const log = startLog(page(rows(51, 60)));
    expect(foldOlder(log, page(rows(30, 40)))).toBe(log);
    const joined = foldOlder(log, page(rows(41, 50).reverse()));
    expect([joined.low, joined.high, isGapless(joined)]).toEqual([41, 60, true]);
  });

  it("leaves what lies before a gap out of the first page", () => {
    const log = startLog(page([...rows(1, 3), ...rows(6, 8)]));
    expect(numbers(log)).toEqual([6, 7, 8]);
  });

  it("begins an empty group with its first post", () => {
    const { log } = foldNews(startLog(page([])), page([row(1)]));
    expect([log.low, log.high]).toEqual([1, 1]);
    expect(foldNews(emptyLog, page([row(1)])).log.low).toBe(1);
  });

  it("ends without hole and without double after any loss, doubling and disorder", () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const chance = chances(seed);
      const all = rows(1, 60);
      let log = startLog(page(all.slice(0, 5)));
      for (let told = 5; told < 60; ) {
        const next = Math.min(60, told + 1 + Math.floor(chance() * 4));
        const message = all.slice(Math.max(0, told - Math.floor(chance() * 3)), next).sort(() => chance() - 0.5);
        told = next;
        if (chance() < 0.3) continue; // lost on the way
        const folded = foldNews(log, page(message, { last_sequence: told }));
        log = folded.log;
        expect(isGapless(log)).toBe(true);
        if (folded.hole && chance() < 0.7) log = foldNews(log, page(all.slice(log.high, told), { last_sequence: told })).log;
      }
      const end = foldNews(log, page(all.slice(log.high), { last_sequence: 60 }));
      expect(end.hole).toBe(false);
      expect(numbers(end.log)).toEqual(all.map((one) => one.sequence));
    }
  });
});
