import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { forget, openFor } from "../ground/database";
import { closeOutbox, flush, keep, letters, openOutbox, type PostLetter, tryAgain, withdraw, whenSent } from "./outbox";

const letter = (id: string, text = "お変わりありません。"): PostLetter => ({
  type: "post",
  id,
  group_id: "group",
  written_at: Number(id),
  body: { id, kind: "report", text },
});

type Answer = () => Promise<Response>;
const ok: Answer = async () => new Response('{"id":"x","sequence":1}', { status: 201 });
const away: Answer = async () => Promise.reject(new TypeError("no network"));
const busy: Answer = async () => new Response("", { status: 503 });
const refused: Answer = async () =>
  new Response('{"code":"instruction-not-allowed","title":"Forbidden"}', { status: 403, headers: { "Content-Type": "application/problem+json" } });

let sent: string[] = [];

function answering(...answers: Answer[]): void {
  vi.stubGlobal("fetch", async (_path: string, request: { body?: string }) => {
    sent.push((JSON.parse(request.body ?? "{}") as { id: string }).id);
    return (answers.length > 1 ? answers.shift()! : answers[0]!)();
  });
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await flush();
}

describe("the outbox", () => {
  beforeEach(async () => {
    sent = [];
    whenSent(() => undefined);
    await openFor("nurse");
    await openOutbox();
  });

  afterEach(async () => {
    closeOutbox();
    vi.unstubAllGlobals();
    await forget("nurse");
  });

  it("sends what is kept, once", async () => {
    answering(ok);
    await keep(letter("1"));
    await settled();
    expect(sent).toEqual(["1"]);
    expect(letters.value).toEqual([]);
  });

  it("keeps what was written through a dead battery, and sends it with the same id", async () => {
    answering(away);
    await keep(letter("1", "夜中に書いた報告"));
    await flush();
    closeOutbox();

    await openFor("nurse");
    await openOutbox();
    expect(letters.value).toMatchObject([{ id: "1", body: { text: "夜中に書いた報告" } }]);
    answering(ok);
    await settled();
    expect(new Set(sent)).toEqual(new Set(["1"]));
    expect(letters.value).toEqual([]);
  });

  it("repeats with the same id while the server is busy", async () => {
    answering(busy, away, ok);
    await keep(letter("1"));
    await flush();
    await flush();
    await settled();
    expect(sent).toEqual(["1", "1", "1"]);
    expect(letters.value).toEqual([]);
  });

  it("keeps the text and the reason when the server refuses", async () => {
    answering(refused);
    await keep(letter("1", "指示の文"));
    await settled();
    expect(letters.value).toMatchObject([{ id: "1", refused: { code: "instruction-not-allowed", status: 403 }, body: { text: "指示の文" } }]);
    expect(sent).toEqual(["1"]);
  });

  it("sends a refused letter again only when a person says so", async () => {
    answering(refused, ok);
    await keep(letter("1"));
    await settled();
    expect(sent).toHaveLength(1);
    await tryAgain("1");
    await settled();
    expect(letters.value).toEqual([]);
  });

  it("does not let one refused letter hold up the next", async () => {
    answering(refused, ok);
    await keep(letter("1"));
    await keep(letter("2"));
    await settled();
    expect(letters.value.map((one) => one.id)).toEqual(["1"]);
  });

  it("sends alerts before everything else", async () => {
    answering(away);
    await keep(letter("1"));
    await keep({ type: "alert", id: "2", group_id: "group", written_at: 2, body: { id: "2", post_id: "p", level: "E3", situation: "息が苦しい" } });
    await flush();
    sent = [];
    answering(ok);
    await settled();
    expect(sent).toEqual(["2", "1"]);
  });

  it("waits for sign-in after a 401 and loses nothing", async () => {
    answering(async () => new Response('{"code":"not-signed-in"}', { status: 401 }));
    await keep(letter("1"));
    await flush();
    expect(sent).toEqual(["1"]);
    expect(letters.value).toHaveLength(1);
  });

  it("holds nothing back that was withdrawn", async () => {
    answering(away);
    await keep(letter("1"));
    await withdraw("1");
    await openOutbox();
    expect(letters.value).toEqual([]);
  });

  it("does not show one person's letters to another", async () => {
    answering(away);
    await keep(letter("1"));
    await flush();
    await openFor("doctor");
    await openOutbox();
    expect(letters.value).toEqual([]);
  });
});
