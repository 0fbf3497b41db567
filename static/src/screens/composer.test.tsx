import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openFor } from "../ground/database";
import type { Group } from "../ground/shapes";
import { startLog } from "../timeline/fold";
import { keepDraft } from "../timeline/drafts";
import { closeOutbox, letters } from "../timeline/outbox";
import { posts } from "../timeline/rows";
import { page, rows } from "../testing/cast";
import { Composer } from "./composer";

const group: Group = {
  id: "group",
  patient: { name: "架空 太郎", kana: "カクウ タロウ", birth_date: "1940-01-01", age: 86, sex: "male", summary: "" },
  host_facility: { id: "office", name: "ひなた", tel: "" },
  my: { role: "nurse", function: null, permissions: ["post"] },
  members: [],
  last_sequence: 3,
  last_mark: 0,
  read_sequence: 3,
};

describe("writing", () => {
  let root: HTMLElement;
  const log = startLog(page(rows(1, 3)));
  const found = posts(log);
  const settle = () => act(() => new Promise((resolve) => setTimeout(resolve, 30)));

  beforeEach(async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no network")));
    await openFor("nurse");
    root = document.createElement("div");
    document.body.append(root);
  });

  afterEach(async () => {
    await act(() => render(null, root));
    root.remove();
    closeOutbox();
    vi.unstubAllGlobals();
  });

  async function show(asked: Parameters<typeof Composer>[0]["asked"] = null) {
    await act(() => render(<Composer group={group} log={log} found={found} asked={asked} onSent={() => undefined} />, root));
    await settle();
  }

  it("sends once, however often 送る is pressed", async () => {
    await keepDraft("group", { text: "訪問しました。", kind: "report" });
    await show();
    const form = root.querySelector("form")!;
    await act(() => {
      for (let tap = 0; tap < 3; tap += 1) form.dispatchEvent(new Event("submit", { cancelable: true, bubbles: true }));
    });
    await settle();
    expect(letters.value.filter((letter) => letter.type === "post").length).toBe(1);
  });

  it("says that a post is full, because the browser cuts what is pasted beyond", async () => {
    await keepDraft("group", { text: "あ".repeat(9_999), kind: "report" });
    await show();
    const isFull = () => root.textContent?.includes("10,000文字になりました");
    expect(isFull()).toBe(false);
    await act(() => {
      const field = root.querySelector("textarea")!;
      field.value = "あ".repeat(10_000);
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
    expect(isFull()).toBe(true);
  });

  it("comes back as a correction with its words after the page was closed", async () => {
    await show({ type: "correct", post: found.get("post-2")! });
    const field = root.querySelector("textarea")!;
    expect(field.value).toBe("2番目の報告");
    await act(() => {
      field.value = "2番目の報告、なおし";
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
    await act(() => render(null, root));
    await show();
    expect(root.querySelector("textarea")?.value).toBe("2番目の報告、なおし");
    expect(root.textContent).toContain("訂正を送る");
  });
});
