import { describe, expect, it } from "vitest";
import alerts from "../../../casenet/words/ja/alerts.json";
import { LEVELS, SIGNS, suggestedLevel } from "./signs";

describe("what is seen at the bedside", () => {
  it("proposes the gravest level", () => {
    expect(suggestedLevel(["fever"])).toBe("E2");
    expect(suggestedLevel(["fever", "unresponsive", "intake"])).toBe("E4");
    expect(suggestedLevel([])).toBeNull();
  });

  it("offers every sign that the server knows, once", () => {
    const offered = LEVELS.flatMap((level) => SIGNS[level]);
    const known = Object.keys(alerts).filter((key) => key.startsWith("sign.")).map((key) => key.slice(5));
    expect([...offered].sort()).toEqual(known.sort());
  });
});
