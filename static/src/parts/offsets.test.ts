import { describe, expect, it } from "vitest";
import { countOffsets, rowAt } from "./offsets";

const rows = Array.from({ length: 10_000 }, (_, place) => ({ key: String(place) }));

describe("where rows stand", () => {
  it("uses measured heights, and the estimate for the rest", () => {
    const offsets = countOffsets(rows.slice(0, 3), new Map([["1", 40]]), 100);
    expect([...offsets]).toEqual([0, 100, 140, 240]);
  });

  it("finds the row under a pixel", () => {
    const offsets = countOffsets(rows, new Map(), 100);
    expect([rowAt(offsets, 10_000, -50), rowAt(offsets, 10_000, 0), rowAt(offsets, 10_000, 99), rowAt(offsets, 10_000, 100)]).toEqual([0, 0, 0, 1]);
    expect(rowAt(offsets, 10_000, 10_000_000)).toBe(9_999);
  });
});
