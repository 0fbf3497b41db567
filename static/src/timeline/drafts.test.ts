import { beforeEach, describe, expect, it } from "vitest";
import { openFor } from "../ground/database";
import { keepCorrection, keepDraft, loadCorrection, loadDraft, saveDraft } from "./drafts";

describe("drafts", () => {
  beforeEach(() => openFor("nurse"));

  it("keep whom they answer", async () => {
    await keepDraft("one", { text: "はい", kind: "report", reply_to: "post-1" });
    expect(await loadDraft("one")).toEqual({ text: "はい", kind: "report", reply_to: "post-1" });
  });

  it("are not written over by a refused post that comes back", async () => {
    await keepDraft("two", { text: "書きかけ", kind: "report" });
    await saveDraft("two", { text: "断られた投稿", kind: "report" });
    expect((await loadDraft("two"))?.text).toBe("書きかけ\n\n断られた投稿");
  });

  it("keep a correction until it is sent or dropped", async () => {
    await keepCorrection("one", { post_id: "post-1", text: "なおし" });
    expect(await loadCorrection("one")).toEqual({ post_id: "post-1", text: "なおし" });
    await keepCorrection("one", null);
    expect(await loadCorrection("one")).toBeNull();
  });
});
