import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { names, openFor, put } from "../ground/database";
import type { GroupLine } from "../ground/shapes";
import { page, row } from "../testing/cast";
import { clearGroups, groupLines, hearForList, loadGroups } from "./groups";

const line = (id: string): GroupLine => ({
  id,
  patient: { name: "架空 太郎", kana: "カクウ タロウ", birth_date: "1940-01-01", age: 86, sex: "male", summary: "" },
  last_sequence: 0,
  last_mark: 0,
  read_sequence: 0,
  unread: 0,
  last_post: null,
  open_alert_id: null,
  awaiting: 0,
});

describe("the list of groups", () => {
  beforeEach(async () => {
    await openFor("nurse");
    vi.stubGlobal("fetch", async () => new Response(JSON.stringify({ groups: [line("mine")] })));
  });

  afterEach(() => {
    vi.unstubAllGlobals();
    clearGroups();
  });

  it("takes what the phone keeps of a group with it when the group is gone from it", async () => {
    for (const group of ["mine", "left"]) {
      for (const room of ["log", "group", "record", "chain", "draft"]) await put("cache", `${room}:${group}`, { text: "words" });
      await put("cache", `sheet:${group}:7`, { values: {} });
      await put("cache", `alert:of-${group}`, { group_id: group });
    }
    await loadGroups();
    const left = (await names("cache")).filter((name) => name.includes(":"));
    expect(left.filter((name) => name.includes("left"))).toEqual([]);
    expect(left.length).toBe(7);
  });

  it("says who did what a notice tells", async () => {
    groupLines.value = [line("mine")];
    const notice = row(1, { kind: "notice", author_id: null, text: null, notice: { code: "alert.acknowledged", person_id: "nurse" } });
    const people = { nurse: { name: "田中 花子", profession: "nurse", facility_name: "" } };
    hearForList({ ...page([notice]), people, group_id: "mine" });
    expect(groupLines.value[0]?.last_post?.author_name).toBe("田中 花子");
  });
});
