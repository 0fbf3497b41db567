/** What the phone keeps: sealed with a key that the browser never hands out, and gone after signing out. */

import { type DBSchema, type IDBPDatabase, openDB } from "idb";

interface Sealed {
  person_id: string;
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

/** Everything after this belongs to that person; what others left readable on this phone is removed. */
export async function openFor(personId: string): Promise<void> {
  owner = personId;
  ownKey = findKey(personId);
  await ownKey;
  const db = await database();
  for (const key of await db.getAllKeys("cache")) {
    if (!key.startsWith(`${personId}|`)) await db.delete("cache", key);
  }
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
  const nonce = crypto.getRandomValues(new Uint8Array(12));
  const bytes = await crypto.subtle.encrypt(
    { name: "AES-GCM", iv: nonce, additionalData: place(shelf, key) },
    await ownKey,
    new TextEncoder().encode(JSON.stringify(value)),
  );
  await (await database()).put(shelf, { person_id, nonce, bytes }, key);
}

/** null when it is not there, or cannot be opened any more. */
export async function take<T>(shelf: Shelf, name: string): Promise<T | null> {
  const key = `${owner}|${name}`;
  const sealed = await (await database()).get(shelf, key);
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
  await (await database()).delete(shelf, `${owner}|${name}`);
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
      { name: "AES-GCM", iv: sealed.nonce, additionalData: place(shelf, key) },
      await ownKey,
      sealed.bytes,
    );
    return JSON.parse(new TextDecoder().decode(bytes)) as T;
  } catch {
    return null;
  }
}

function place(shelf: Shelf, key: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${shelf}|${key}`);
}
