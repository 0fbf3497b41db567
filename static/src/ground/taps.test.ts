import { describe, expect, it } from "vitest";
import { isStray, type Tap } from "./taps";

const row: Tap = { at: 1_000, x: 200, y: 400, control: "row of the list" };

describe("a second tap", () => {
  it("does not press the button that came to lie under the finger", () => {
    expect(isStray(row, { ...row, at: 1_200, x: 206, control: "了解" })).toBe(true);
  });

  it("may press the same thing again", () => {
    expect(isStray(row, { ...row, at: 1_200 })).toBe(false);
  });

  it("counts when it comes later or elsewhere", () => {
    expect(isStray(row, { ...row, at: 1_500, control: "了解" })).toBe(false);
    expect(isStray(row, { ...row, at: 1_200, y: 460, control: "了解" })).toBe(false);
    expect(isStray(null, row)).toBe(false);
  });
});
