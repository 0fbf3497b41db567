import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Member } from "../ground/shapes";
import { sourceWords } from "./sheet_field";

const tanaka = { person_id: "tanaka", name: "田中 花子", profession: "nurse", function: "visiting_nurse" } as Member;
const ono = { person_id: "ono", name: "大野 健", profession: "physical_therapist", function: null } as Member;
const at = "2026-11-19T10:00:00+09:00";

describe("where a value came from", () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-11-22T10:00:00+09:00") }));
  afterEach(() => vi.useRealTimers());

  it("is a post's day and its writer, named once", () => {
    const source = { label: "訪問看護 田中", at, post_id: "post", person_id: "tanaka" };
    expect(sourceWords(source, [tanaka])).toBe("出典：11/19 訪問看護 田中");
  });

  it("is a record's day and who wrote it, by function or else profession", () => {
    expect(sourceWords({ label: "患者の記録", at, person_id: "tanaka" }, [tanaka])).toBe("出典：11/19 患者の記録（訪問看護 田中）");
    expect(sourceWords({ label: "手入力", at, person_id: "ono" }, [ono])).toBe("出典：11/19 手入力（理学療法士 大野）");
  });

  it("is told without what is not known", () => {
    expect(sourceWords({ label: "患者の記録", at, person_id: "gone" }, [tanaka])).toBe("出典：11/19 患者の記録");
    expect(sourceWords({ label: "作成した日" }, [tanaka])).toBe("出典：作成した日");
  });
});
