import { openDB } from "idb";
import { describe, expect, it } from "vitest";
import { forget, lastOwner, openFor, put, take } from "./database";

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
