import { describe, expect, it } from "vitest";
import { page, row, rows } from "../testing/cast";
import { foldNews, startLog } from "./fold";
import type { Letter } from "./outbox";
import { posts, rowsOf, stillWaiting, unreadOf } from "./rows";

const NOW = Date.parse("2026-11-20T12:00:00+09:00");

describe("the rows of the record", () => {
  it("shows the newest words at the place of the first", () => {
    const correction = row(3, { post_id: "post-1", revision: 2, text: "訂正した報告" });
    const log = foldNews(startLog(page(rows(1, 2))), page([correction])).log;
    const found = posts(log);
    expect(found.get("post-1")?.latest.text).toBe("訂正した報告");
    expect(rowsOf(log, found, null, NOW).map((one) => one.type)).toEqual(["day", "post", "post", "correction"]);
  });

  it("draws the divider before the first unread post", () => {
    const log = startLog(page(rows(1, 5)));
    const drawn = rowsOf(log, posts(log), unreadOf(log, 3, "doctor"), NOW);
    expect(drawn.map((one) => one.type)).toEqual(["day", "post", "post", "post", "divider", "post", "post"]);
    expect(drawn[4]).toMatchObject({ count: 2 });
  });

  it("draws no divider when all is read, or when its place is not loaded", () => {
    const log = startLog(page(rows(11, 15)));
    expect([15, 4, 0].map((readUpTo) => unreadOf(log, readUpTo, "doctor"))).toEqual([null, null, null]);
  });

  it("counts only what others wrote", () => {
    const log = startLog(page([...rows(1, 3), row(4, { author_id: "doctor" }), row(5)]));
    expect(unreadOf(log, 3, "doctor")).toEqual({ from: 5, count: 1 });
    expect(unreadOf(log, 3, "nurse")).toEqual({ from: 4, count: 1 });
  });

  it("shows what is waiting only until it stands in the record", () => {
    const found = posts(startLog(page(rows(1, 2))));
    const base = { group_id: "group", written_at: NOW };
    const post = (id: string): Letter => ({ ...base, id, type: "post", body: { id, kind: "report", text: "報告" } });
    const refused: Letter = { ...post("post-2"), refused: { code: "id-taken", status: 409 } };
    const revision: Letter = { ...base, id: "r", type: "revision", post_id: "post-1", body: { revision: 2, text: "訂正" } };
    const waiting = stillWaiting([post("post-1"), post("post-9"), refused, revision], "group", found);
    expect(waiting.map((letter) => letter.id)).toEqual(["post-9", "post-2", "r"]);
    expect(stillWaiting([post("post-9")], "another", found)).toEqual([]);
  });

  it("gives every row a key of its own", () => {
    const correction = row(11, { post_id: "post-4", revision: 2 });
    const log = foldNews(startLog(page(rows(1, 10))), page([correction])).log;
    const keys = rowsOf(log, posts(log), unreadOf(log, 5, "doctor"), NOW).map((one) => one.key);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it("starts a new day at midnight in Japan", () => {
    const late = row(1, { created_at: "2026-11-19T14:59:00Z" });
    const early = row(2, { created_at: "2026-11-19T15:00:00Z" });
    const log = startLog(page([late, early]));
    expect(rowsOf(log, posts(log), null, NOW).map((one) => (one.type === "day" ? one.day : one.type))).toEqual(["きのう", "post", "今日", "post"]);
  });
});
