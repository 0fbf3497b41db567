import { openDB } from "idb";
import { afterEach, describe, expect, it, vi } from "vitest";
import { forget, KEPT_MILLISECONDS, lastOwner, names, openFor, put, sweep, take } from "./database";

describe("what the phone keeps", () => {
  it("comes back to the person who kept it", async () => {
    await openFor("nurse");
    await put("cache", "groups", { name: "架空 太郎" });
    expect(await take("cache", "groups")).toEqual({ name: "架空 太郎" });
  });

  it("lies there sealed, with a key that cannot be read", async () => {
    await openFor("nurse");
    await put("cache", "groups", { name: "目印の名前" });
    const db = await openDB("casenet", 1);
    const sealed = (await db.get("cache", "nurse|groups")) as { bytes: ArrayBuffer };
    expect(new TextDecoder().decode(sealed.bytes)).not.toContain("目印");
    const key = (await db.get("keys", "nurse")) as CryptoKey;
    expect(key.extractable).toBe(false);
    db.close();
  });

  it("does not open under another name", async () => {
    await openFor("nurse");
    await put("cache", "a", "words");
    const db = await openDB("casenet", 1);
    await db.put("cache", await db.get("cache", "nurse|a"), "nurse|b");
    db.close();
    expect(await take("cache", "b")).toBeNull();
  });

  it("is not there for the next person on the same phone", async () => {
    await openFor("nurse");
    await put("cache", "me", { id: "nurse" });
    await openFor("doctor");
    expect(await take("cache", "me")).toBeNull();
    await openFor("nurse");
    expect(await take("cache", "me")).toBeNull();
  });

  it("is gone after signing out", async () => {
    await openFor("nurse");
    await put("cache", "me", { id: "nurse" });
    expect(await lastOwner()).toBe("nurse");
    await forget("nurse");
    expect(await lastOwner()).toBeNull();
  });
});

describe("the age of what the phone keeps", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  const later = (milliseconds: number) => vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + milliseconds });

  it("is a day: after that nothing read from the server is shown", async () => {
    await openFor("nurse");
    await put("cache", "log:one", "words");
    later(KEPT_MILLISECONDS - 1_000);
    expect(await take("cache", "log:one")).toBe("words");
    later(2_000);
    expect(await take("cache", "log:one")).toBeNull();
  });

  it("ends at the start of the app, also when nobody signs in", async () => {
    await openFor("nurse");
    await put("cache", "log:one", "words");
    await put("cache", "draft:one", { text: "half", kind: "report" });
    await sweep(Date.now() + KEPT_MILLISECONDS + 1);
    expect(await names("cache")).toEqual(["draft:one"]);
    expect(await take("cache", "draft:one")).toEqual({ text: "half", kind: "report" });
  });

  it("takes the key with the last entry", async () => {
    await openFor("leaver");
    await put("cache", "log:one", "words");
    await openFor("nurse");
    await sweep();
    const db = await openDB("casenet", 1);
    expect(await db.get("keys", "leaver")).toBeUndefined();
    expect(await db.get("keys", "nurse")).toBeDefined();
    db.close();
  });

  it("cannot be made younger by hand", async () => {
    await openFor("nurse");
    await put("cache", "log:one", "words");
    const db = await openDB("casenet", 1);
    const sealed = (await db.get("cache", "nurse|log:one")) as { kept_at: number };
    await db.put("cache", { ...sealed, kept_at: sealed.kept_at + 1 }, "nurse|log:one");
    db.close();
    expect(await take("cache", "log:one")).toBeNull();
  });
});

describe("words that were typed", () => {
  it("wait for their writer while another person uses the phone", async () => {
    await openFor("nurse");
    await put("cache", "draft:one", "half a sentence");
    await openFor("doctor");
    expect(await take("cache", "draft:one")).toBeNull();
    await openFor("nurse");
    expect(await take("cache", "draft:one")).toBe("half a sentence");
  });

  it("are kept in the order of the keys pressed", async () => {
    await openFor("nurse");
    const writes = ["か", "から", "からだ"].map((text) => put("cache", "draft:two", text));
    expect(await take("cache", "draft:two")).toBe("からだ");
    await Promise.all(writes);
  });
});
