/** What the phone keeps: sealed with a key that the browser never hands out, gone after a day and after signing out. */

import { type DBSchema, type IDBPDatabase, openDB } from "idb";

/** What was read from the server is useless after this long, signed in again or not. */
export const KEPT_MILLISECONDS = 24 * 3_600_000;
/** What a person typed and did not send waits longer for its writer. Sending or signing out ends it at once. */
const TYPED_MILLISECONDS = 30 * 24 * 3_600_000;
const TYPED = ["draft", "correction", "urgent", "sheet", "card"];

interface Sealed {
  person_id: string;
  /** Milliseconds since 1970; part of the seal, so that nobody makes it younger. */
  kept_at: number;
  nonce: Uint8Array<ArrayBuffer>;
  bytes: ArrayBuffer;
}

interface Shelves extends DBSchema {
  keys: { key: string; value: CryptoKey };
  cache: { key: string; value: Sealed };
  outbox: { key: string; value: Sealed };
}

type Shelf = "cache" | "outbox";

let opened: Promise<IDBPDatabase<Shelves>> | null = null;
let owner = "";
let ownKey: Promise<CryptoKey> | null = null;
/** Writing takes a moment; who reads or writes the same name meanwhile comes after it. */
const writing = new Map<string, Promise<unknown>>();

function database(): Promise<IDBPDatabase<Shelves>> {
  opened ??= openDB<Shelves>("casenet", 1, {
    upgrade(db) {
      db.createObjectStore("keys");
      db.createObjectStore("cache");
      db.createObjectStore("outbox");
    },
  });
  return opened;
}

/** Everything after this belongs to that person; what others read on this phone is removed, not what they typed. */
export async function openFor(personId: string): Promise<void> {
  owner = personId;
  ownKey = findKey(personId);
  await ownKey;
  const db = await database();
  for (const key of await db.getAllKeys("cache")) {
    if (!key.startsWith(`${personId}|`) && !isTyped(key)) await db.delete("cache", key);
  }
}

/** Drops what is too old, and the key of everybody who has nothing left here. Needs nobody to be signed in. */
export async function sweep(now = Date.now()): Promise<void> {
  const db = await database();
  for (const key of await db.getAllKeys("cache")) {
    const sealed = await db.get("cache", key);
    if (sealed && isTooOld(key, sealed, now)) await db.delete("cache", key);
  }
  const left = [...(await db.getAllKeys("cache")), ...(await db.getAllKeys("outbox"))];
  for (const personId of await db.getAllKeys("keys")) {
    if (personId !== owner && !left.some((key) => key.startsWith(`${personId}|`))) await db.delete("keys", personId);
  }
}

/** "person|draft:group" was typed, "person|log:group" was read. */
function isTyped(key: string): boolean {
  return TYPED.includes(key.split("|")[1]?.split(":")[0] ?? "");
}

function isTooOld(key: string, sealed: Sealed, now: number): boolean {
  // A clock that was set back makes nothing younger; without an age it is from an older version.
  return !(Math.abs(now - sealed.kept_at) < (isTyped(key) ? TYPED_MILLISECONDS : KEPT_MILLISECONDS));
}

async function findKey(personId: string): Promise<CryptoKey> {
  const db = await database();
  const known = await db.get("keys", personId);
  if (known) return known;
  const made = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  await db.put("keys", made, personId);
  return made;
}

/** The person whose data can be opened without asking the server: the last one who did not sign out. */
export async function lastOwner(): Promise<string | null> {
  const db = await database();
  const marker = (await db.getAllKeys("cache")).find((key) => key.endsWith("|me"));
  return marker ? marker.slice(0, -"|me".length) : null;
}

export async function put(shelf: Shelf, name: string, value: unknown): Promise<void> {
  if (!ownKey) return;
  const key = `${owner}|${name}`;
  const person_id = owner;
  const sealing = ownKey;
  await inTurn(shelf, key, async () => {
    const nonce = crypto.getRandomValues(new Uint8Array(12));
    const kept_at = Date.now();
    const bytes = await crypto.subtle.encrypt(
      { name: "AES-GCM", iv: nonce, additionalData: place(shelf, key, kept_at) },
      await sealing,
      new TextEncoder().encode(JSON.stringify(value)),
    );
    await (await database()).put(shelf, { person_id, kept_at, nonce, bytes }, key);
  });
}

/** One write after the other to the same name: the last word typed is the one that stays. */
async function inTurn(shelf: Shelf, key: string, write: () => Promise<void>): Promise<void> {
  const name = `${shelf}|${key}`;
  const mine = (writing.get(name) ?? Promise.resolve()).catch(() => undefined).then(write);
  writing.set(name, mine);
  try {
    await mine;
  } finally {
    if (writing.get(name) === mine) writing.delete(name);
  }
}

/** null when it is not there, or cannot be opened any more. */
export async function take<T>(shelf: Shelf, name: string): Promise<T | null> {
  const key = `${owner}|${name}`;
  await inTurn(shelf, key, async () => undefined);
  const sealed = await (await database()).get(shelf, key);
  if (sealed && shelf === "cache" && isTooOld(key, sealed, Date.now())) return null;
  return sealed ? openSealed<T>(shelf, key, sealed) : null;
}

export async function takeAll<T>(shelf: Shelf): Promise<T[]> {
  const db = await database();
  const found: T[] = [];
  for (const key of await db.getAllKeys(shelf)) {
    if (!key.startsWith(`${owner}|`)) continue;
    const sealed = await db.get(shelf, key);
    const value = sealed ? await openSealed<T>(shelf, key, sealed) : null;
    if (value !== null) found.push(value);
  }
  return found;
}

export async function drop(shelf: Shelf, name: string): Promise<void> {
  const key = `${owner}|${name}`;
  await inTurn(shelf, key, async () => (await database()).delete(shelf, key));
}

/** The names of all that this person keeps on a shelf. */
export async function names(shelf: Shelf): Promise<string[]> {
  const keys = await (await database()).getAllKeys(shelf);
  return keys.filter((key) => key.startsWith(`${owner}|`)).map((key) => key.slice(owner.length + 1));
}

/** Signing out: nothing that this person kept here can be read again, because its key is gone as well. */
export async function forget(personId: string): Promise<void> {
  const db = await database();
  for (const shelf of ["cache", "outbox"] as const) {
    for (const key of await db.getAllKeys(shelf)) {
      if (key.startsWith(`${personId}|`)) await db.delete(shelf, key);
    }
  }
  await db.delete("keys", personId);
  if (owner === personId) {
    owner = "";
    ownKey = null;
  }
}

async function openSealed<T>(shelf: Shelf, key: string, sealed: Sealed): Promise<T | null> {
  if (!ownKey) return null;
  try {
    const bytes = await crypto.subtle.decrypt(
      { name: "AES-GCM", iv: sealed.nonce, additionalData: place(shelf, key, sealed.kept_at) },
      await ownKey,
      sealed.bytes,
    );
    return JSON.parse(new TextDecoder().decode(bytes)) as T;
  } catch {
    return null;
  }
}

function place(shelf: Shelf, key: string, keptAt: number): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${shelf}|${key}|${keptAt}`);
}
