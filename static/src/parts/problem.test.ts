import { describe, expect, it } from "vitest";
import { Problem } from "../ground/api";
import { sentenceOf, sentenceOfCode } from "./problem";

describe("what the server refuses", () => {
  it.each(["busy", "urgent-is-a-call", "nobody-could-invite", "token-used"])("has a plain sentence: %s", (code) => {
    expect(sentenceOfCode(code, 409)).toMatch(/[ぁ-ん]/);
    expect(sentenceOfCode(code, 409)).not.toBe(sentenceOfCode("something-else", 409));
  });

  it("tells how long to wait when the server is busy", () => {
    expect(sentenceOf(new Problem(503, "busy", "", { retry_after_seconds: 2.2 }))).toContain("3秒");
  });
});
