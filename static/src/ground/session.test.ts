import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { forget } from "./database";
import { arrive, ended, expelled, isOffline, me, session, start } from "./session";
import { IDLE_MILLISECONDS } from "./idle";
import type { Me } from "./shapes";

const who: Me = {
  person: { id: "nurse", name: "田中 花子", name_kana: "タナカ ハナコ", profession: "nurse", facility: null, is_administrator: false },
  csrf_token: "token",
  vapid_public_key: "",
  demo: false,
};

describe("starting the app", () => {
  beforeEach(async () => {
    await arrive(who);
    me.value = null;
    session.value = "starting";
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no network")));
  });

  afterEach(async () => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
    isOffline.value = false;
    await forget("nurse");
  });

  it("opens what was kept when there is no signal", async () => {
    await start();
    expect([session.value, isOffline.value, me.value?.person.name]).toEqual(["in", true, "田中 花子"]);
  });

  it("opens nothing that is older than a session may be", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 13 * 3_600_000 });
    await start();
    expect([session.value, me.value]).toEqual(["out", null]);
  });

  it("opens nothing when the server answers that it knows nobody", async () => {
    vi.stubGlobal("fetch", async () => new Response('{"code":"not-signed-in"}', { status: 401 }));
    await start();
    expect([session.value, me.value]).toEqual(["out", null]);
  });

  it("opens nothing after signing out", async () => {
    await forget("nurse");
    await start();
    expect(session.value).toBe("out");
  });

  it("does not wake the session of a phone that was left alone", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + IDLE_MILLISECONDS + 60_000 });
    const asked: string[] = [];
    vi.stubGlobal("fetch", async (path: string) => {
      asked.push(path);
      return new Response('{"live":true}');
    });
    await start();
    expect([session.value, ended.value, asked]).toEqual(["out", "idle", ["/health/live"]]);
  });

  it("says why to sign in again, and no more after that", async () => {
    await arrive(who);
    expelled("idle");
    expect([session.value, ended.value]).toEqual(["out", "idle"]);
    await arrive(who);
    expect([session.value, ended.value]).toEqual(["in", null]);
  });
});
