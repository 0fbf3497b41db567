import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { hiragana } from "../screens/groups";
import { newId } from "./ids";
import { say, term } from "./words";

describe("texts", () => {
  it("are filled with facts", () => {
    expect(say("patient.age_sex", { age: 88, sex: term("sex", "female") })).toBe("88歳・女性");
  });

  it("show the code when the catalogue does not know it yet", () => {
    expect(term("profession", "astronaut")).toBe("astronaut");
  });

  it("are found by kana of any kind", () => {
    expect(hiragana("サノ ﾊﾙ")).toBe("さの はる");
  });
});

describe("ids", () => {
  it("are UUIDv7 and grow with time", () => {
    const ids = [newId(1_000), newId(2_000), newId(3_000)];
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect([...ids].sort()).toEqual(ids);
  });
});

describe("the lock file", () => {
  it("names no host", () => {
    expect(readFileSync("package-lock.json", "utf8")).not.toContain("://");
  });
});
