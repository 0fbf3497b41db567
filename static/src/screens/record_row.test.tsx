import { render } from "preact";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { me } from "../ground/session";
import type { Group, Member } from "../ground/shapes";
import { mark, nurse, page, row } from "../testing/cast";
import { startLog } from "../timeline/fold";
import { posts, rowsOf } from "../timeline/rows";
import { RecordRow } from "./record_row";

const NOW = Date.parse("2026-11-20T12:00:00+09:00");

function member(id: string, read: number): Member {
  return {
    person_id: id,
    name: id,
    name_kana: "",
    profession: "nurse",
    facility_name: "",
    facility_tel: "",
    function: null,
    role: "nurse",
    read_sequence: read,
    ends_at: null,
  };
}

const group = {
  id: "group",
  patient: { name: "架空 太郎", kana: "", birth_date: "1940-01-01", age: 86, sex: "male", summary: "" },
  my: { role: "physician", function: null, permissions: ["read", "post"] },
  members: [member("nurse", 9), member("doctor", 9), member("helper", 0)],
} as unknown as Group;

let box: HTMLElement;

function draw(text: string, authorId: string): HTMLElement {
  const people = { nurse, doctor: { name: "佐藤 一", profession: "physician", facility_name: "" } };
  const log = startLog(page([row(1, { text, author_id: authorId })], { people, marks: [mark(1, "post-1", "helper")], last_mark: 1 }));
  const found = posts(log);
  const nothing = () => undefined;
  const last = rowsOf(log, found, null, NOW).at(-1)!;
  render(
    <RecordRow
      row={last}
      place={0}
      count={1}
      log={log}
      found={found}
      group={group}
      now={NOW}
      onAsk={nothing}
      onReply={nothing}
      onCorrect={nothing}
      onJump={nothing}
    />,
    box,
  );
  return box;
}

describe("a post in the record", () => {
  beforeEach(() => {
    box = document.createElement("div");
    document.body.append(box);
    me.value = {
      person: { id: "doctor", name: "佐藤 一", name_kana: "", profession: "physician", facility: null, is_administrator: false },
      csrf_token: "",
      vapid_public_key: "",
      demo: false,
    };
  });

  afterEach(() => {
    render(null, box);
    box.remove();
  });

  it("says who wrote it, with profession and office in words", () => {
    const words = draw("お変わりありません。", "nurse").textContent;
    for (const word of ["看護師", "田中 花子", "ひかり訪問看護ステーション", "報告"]) expect(words).toContain(word);
  });

  it("offers 了解 for the posts of others, and correcting for one's own", () => {
    expect(draw("報告", "nurse").querySelector(".acknowledge-button")?.textContent).toBe("了解");
    expect(box.textContent).not.toContain("訂正");
    draw("報告", "doctor");
    expect(box.querySelector(".acknowledge-button")).toBeNull();
    expect(box.textContent).toContain("訂正");
  });

  it("counts readers quietly, without the author", () => {
    expect(draw("報告", "nurse").textContent).toContain("既読 1");
  });

  it("never reads text as markup", () => {
    draw('<img src=x onerror="alert(1)">', "nurse");
    expect(box.querySelector("img")).toBeNull();
    expect(box.querySelector(".post-text")?.textContent).toContain("<img");
  });

  it("folds a long text", () => {
    expect(draw("あ".repeat(2_000), "nurse").textContent).toContain("続きを読む（全2000文字）");
  });
});
