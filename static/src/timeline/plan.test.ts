import { describe, expect, it } from "vitest";
import { faultOf, isTakenOut, type Override, type Shift, turnsOf } from "./plan";

const at = (clock: string, day = 22) => `2026-11-${String(day).padStart(2, "0")}T${clock}:00+09:00`;
const shift = (person_id: string, from: string, to: string, more: Partial<Shift> = {}): Shift => ({
  id: `shift-${person_id}`,
  duty: "home_nursing_on_call",
  rank: "first",
  person_id,
  starts_at: from,
  ends_at: to,
  ...more,
});
const change = (absent: string | null, person: string | null, from: string, to: string): Override => ({
  ...shift("", from, to),
  id: `${absent}-${person}`,
  absent_person_id: absent,
  person_id: person,
});
const told = (shifts: Shift[], overrides: Override[]) =>
  turnsOf(shifts, overrides).map(({ person_id, starts_at, ends_at, instead_of }) => [
    person_id,
    starts_at.slice(11, 16),
    ends_at.slice(11, 16),
    instead_of,
  ]);

describe("who is really on call", () => {
  const night = shift("fujita", at("18:00"), at("09:00", 23));

  it("is the stand-in, and no more the one who was planned", () => {
    expect(told([night], [change("fujita", "saeki", at("18:00"), at("09:00", 23))])).toEqual([["saeki", "18:00", "09:00", "fujita"]]);
  });

  it("is the planned one before and after a stand-in for some hours", () => {
    expect(told([night], [change("fujita", "saeki", at("20:00"), at("22:00"))])).toEqual([
      ["fujita", "18:00", "20:00", null],
      ["saeki", "20:00", "22:00", "fujita"],
      ["fujita", "22:00", "09:00", null],
    ]);
  });

  it("is the first again when the stand-in is replaced by whom he stood in for", () => {
    const there = change("fujita", "saeki", at("18:00"), at("09:00", 23));
    const back = change("saeki", "fujita", at("18:00"), at("09:00", 23));
    expect(told([night], [there, back])).toEqual([["fujita", "18:00", "09:00", null]]);
  });

  it("is nobody for whom was taken out, and nobody who stands in for nobody", () => {
    expect(told([night], [change("fujita", null, at("18:00"), at("09:00", 23))])).toEqual([]);
    expect(told([], [change("fujita", "saeki", at("18:00"), at("09:00", 23))])).toEqual([]);
  });

  it("is whoever was added, and another duty is not touched", () => {
    const doctor = shift("fujita", at("18:00"), at("09:00", 23), { duty: "physician_on_duty" });
    expect(told([doctor], [change(null, "ono", at("18:00"), at("20:00")), change("fujita", null, at("18:00"), at("20:00"))])).toEqual([
      ["ono", "18:00", "20:00", null],
      ["fujita", "18:00", "09:00", null],
    ]);
  });

  it("is not whom a new shift names, once taken out of that time; an addition after it counts", () => {
    const out = change("fujita", null, at("20:00"), at("22:00"));
    const again = shift("fujita", at("20:00"), at("22:00"));
    expect(told([again], [out])).toEqual([]);
    expect([isTakenOut([out], again), isTakenOut([out], shift("fujita", at("22:00"), at("23:00")))]).toEqual([true, false]);
    expect(told([], [out, change(null, "fujita", at("20:00"), at("22:00"))])).toEqual([["fujita", "20:00", "22:00", null]]);
  });

  it("can be taken out whole only while nothing was changed", () => {
    const [whole] = turnsOf([night], []);
    const [piece] = turnsOf([night], [change("fujita", "saeki", at("20:00"), at("22:00"))]);
    expect([whole?.shift_id, piece?.shift_id]).toEqual(["shift-fujita", null]);
  });
});

describe("what is wrong with a time", () => {
  const now = Date.parse(at("12:00"));
  it.each([
    ["an overnight shift", at("18:00"), at("09:00", 23), null],
    ["one that has begun", at("09:00"), at("18:00"), null],
    ["one that ends before it begins", at("18:00"), at("09:00"), "backwards"],
    ["one that is over", at("18:00", 1), at("09:00", 2), "past"],
    ["more than a month", at("18:00"), "2027-01-23T09:00:00+09:00", "long"],
    ["half a date", "+09:00", at("18:00"), "unknown"],
  ])("%s", (_, starts_at, ends_at, fault) => {
    expect(faultOf({ starts_at, ends_at }, now, null)).toBe(fault);
  });

  it("is standing in while the other one is not on call", () => {
    const within = { starts_at: at("18:00"), ends_at: at("09:00", 23) };
    expect(faultOf({ starts_at: at("12:00"), ends_at: at("18:00") }, now, within)).toBe("outside");
    expect(faultOf({ starts_at: at("17:00"), ends_at: at("19:00") }, now, within)).toBeNull();
  });
});
