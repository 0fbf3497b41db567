import { describe, expect, it } from "vitest";
import { birthday, calendarDay, clock, dayName, fromWall, lasting, saidTime, shortDate, shortTime, span, toWall } from "./time";

const NOW = Date.parse("2026-11-22T19:50:00+09:00");

describe("times as people say them", () => {
  it.each([
    ["2026-11-22T19:40:00+09:00", "今日 19:40"],
    ["2026-11-22T00:00:00+09:00", "今日 0:00"],
    ["2026-11-21T23:59:00+09:00", "きのう 23:59"],
    ["2026-11-20T08:05:00+09:00", "11月20日(金) 8:05"],
    ["2025-03-02T12:00:00+09:00", "2025年3月2日(日) 12:00"],
    ["2026-11-23T06:00:00+09:00", "あす 6:00"],
  ])("%s is %s", (instant, said) => {
    expect(saidTime(instant, NOW)).toBe(said);
  });

  it("needs only the clock for today in a list", () => {
    expect(shortTime("2026-11-22T03:00:00Z", NOW)).toBe("12:00");
    expect(shortTime("2026-11-21T03:00:00Z", NOW)).toBe("きのう");
  });

  it("says how long something lasts", () => {
    expect([15 * 60, 90, 45].map((minutes) => lasting(minutes * 60_000))).toEqual(["15時間", "1時間30分", "45分"]);
  });

  it("says a day of the calendar", () => {
    expect([calendarDay("2026-08-30"), calendarDay("来週")]).toEqual(["2026年8月30日", "来週"]);
  });

  it("says a date short, with its year when that is another one", () => {
    expect(shortDate("2026-11-19T23:00:00Z", NOW)).toBe("11/20");
    expect(shortDate("2025-12-31T23:00:00+09:00", NOW)).toBe("2025/12/31");
  });

  it("tells Japan's day to a phone set to another zone", () => {
    expect(dayName("2026-11-21T15:30:00Z", NOW)).toBe("今日");
    expect(clock("2026-11-21T15:30:00Z")).toBe("0:30");
  });

  it("counts down in minutes and seconds", () => {
    expect([span(192_000), span(9_001), span(-5), span(3_660_000)]).toEqual(["3分12秒", "10秒", "0秒", "1時間1分"]);
  });

  it("reads and writes what a person types", () => {
    expect(fromWall("2026-11-22T18:00")).toBe("2026-11-22T18:00:00+09:00");
    expect(toWall("2026-11-22T00:05:00Z")).toBe("2026-11-22T09:05");
  });

  it("says birthdays with their era", () => {
    expect(birthday("1938-04-12")).toBe("昭和13年（1938年）4月12日");
    expect(birthday("2019-05-01")).toBe("令和元年（2019年）5月1日");
    expect(birthday("1989-01-07")).toBe("昭和64年（1989年）1月7日");
  });
});
