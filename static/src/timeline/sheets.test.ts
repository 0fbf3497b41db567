import { describe, expect, it } from "vitest";
import { mergeTyped } from "./sheets";

describe("two people in one sheet", () => {
  const base = { name: "架空 太郎", tel: null, diet: "普通食" };

  it("keeps what each typed in another field", () => {
    const merged = mergeTyped(base, { ...base, tel: "03-0000-0000" }, { ...base, diet: "きざみ食" });
    expect(merged).toEqual({ values: { name: "架空 太郎", tel: "03-0000-0000", diet: "きざみ食" }, clashes: {} });
  });

  it("lets the saved value stand and offers mine where both typed", () => {
    const merged = mergeTyped(base, { ...base, diet: "ミキサー食" }, { ...base, diet: "きざみ食" });
    expect(merged.values.diet).toBe("きざみ食");
    expect(merged.clashes).toEqual({ diet: "ミキサー食" });
  });

  it("sees no clash where both typed the same", () => {
    const merged = mergeTyped(base, { ...base, diet: "きざみ食" }, { ...base, diet: "きざみ食" });
    expect(merged.clashes).toEqual({});
  });

  it("compares lists by what they hold", () => {
    const merged = mergeTyped({ kinds: ["a"] }, { kinds: ["a"] }, { kinds: ["a", "b"] });
    expect(merged.values).toEqual({ kinds: ["a", "b"] });
  });
});
