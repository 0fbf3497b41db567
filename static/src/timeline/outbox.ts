/** What was written and is not yet on the server. Kept before it is sent, sent with the same id until answered. */

import { signal } from "@preact/signals";
import { NoSignal, Problem, send } from "../ground/api";
import { drop, put, takeAll } from "../ground/database";

export type Letter = PostLetter | MarkLetter | RevisionLetter | AlertLetter;

interface Base {
  id: string;
  group_id: string;
  written_at: number;
  /** The server said no, and why. It stays here until a person decides. */
  refused?: { code: string; status: number };
}

export interface PostLetter extends Base {
  type: "post";
  body: { id: string; kind: string; text: string; reply_to?: string };
}

export interface MarkLetter extends Base {
  type: "mark";
  post_id: string;
}

export interface RevisionLetter extends Base {
  type: "revision";
  post_id: string;
  body: { revision: number; text: string };
}

export interface AlertLetter extends Base {
  type: "alert";
  body: Record<string, unknown> & { id: string; post_id: string; level: string; situation: string };
}

export type Sent = (letter: Letter, answer: unknown) => void | Promise<void>;

/** Waits between tries grow to this; each is cut by chance to between half and whole, so phones do not come in step. */
const LONGEST_WAIT_MILLISECONDS = 30_000;
/** An alert is tried far more often: someone is waiting for help. */
const LONGEST_ALERT_WAIT_MILLISECONDS = 3_000;

export const letters = signal<readonly Letter[]>([]);

let tries = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let running: Promise<void> | null = null;
/** No signal or signed out: nothing is tried before the timer, a reconnect or a person says so. */
let isPaused = false;
let onSent: Sent = () => undefined;

export function whenSent(callback: Sent): void {
  onSent = callback;
}

/** At the start of the app: what a dead battery left behind. */
export async function openOutbox(): Promise<void> {
  const kept = await takeAll<Letter>("outbox");
  letters.value = kept.sort((a, b) => a.written_at - b.written_at);
}

export function closeOutbox(): void {
  letters.value = [];
  clearTimeout(timer);
}

/** Keep, show, then try to send. Resolves as soon as it is kept. */
export async function keep(letter: Letter): Promise<void> {
  // A phone without room or a private window keeps nothing: then it is sent all the more.
  await put("outbox", letter.id, letter).catch(() => undefined);
  letters.value = [...letters.value.filter((other) => other.id !== letter.id), letter];
  void flush();
}

/** Take back what the server refused, or what still waits. */
export async function withdraw(id: string): Promise<void> {
  letters.value = letters.value.filter((letter) => letter.id !== id);
  await drop("outbox", id);
}

export async function tryAgain(id: string): Promise<void> {
  const letter = letters.value.find((other) => other.id === id);
  if (!letter) return;
  const { refused: _, ...fresh } = letter;
  await keep(fresh as Letter);
}

/** Send all that waits, alerts first, one after the other. Safe to call at any time and from several tabs. */
export function flush(): Promise<void> {
  running ??= inOneTab(sendAll).finally(() => {
    running = null;
    // Something may have been kept between the last look and now.
    if (!isPaused && next()) void flush();
  });
  return running;
}

async function inOneTab(work: () => Promise<void>): Promise<void> {
  if (typeof navigator !== "undefined" && navigator.locks) return navigator.locks.request("casenet-outbox", work);
  return work();
}

async function sendAll(): Promise<void> {
  clearTimeout(timer);
  isPaused = false;
  for (;;) {
    const letter = next();
    if (!letter) return;
    const outcome = await sendOne(letter);
    isPaused = outcome === "later" || outcome === "signed-out";
    if (outcome === "later") return planRetry();
    if (isPaused) return;
    tries = 0;
  }
}

function next(): Letter | undefined {
  const waiting = letters.value.filter((letter) => !letter.refused);
  return waiting.find((letter) => letter.type === "alert") ?? waiting[0];
}

async function sendOne(letter: Letter): Promise<"sent" | "refused" | "later" | "signed-out"> {
  try {
    const answer = await send("POST", pathOf(letter), bodyOf(letter));
    await onSent(letter, answer.body);
    await withdraw(letter.id);
    return "sent";
  } catch (error) {
    if (error instanceof NoSignal || (error instanceof Problem && error.isPassing)) return "later";
    if (error instanceof Problem && error.status === 401) return "signed-out";
    if (letter.type === "mark") {
      // Nothing was written that could be lost; the button simply stands open again.
      await withdraw(letter.id);
      return "refused";
    }
    const refused = error instanceof Problem ? { code: error.code, status: error.status } : { code: "", status: 0 };
    const kept = { ...letter, refused } as Letter;
    letters.value = letters.value.map((other) => (other.id === letter.id ? kept : other));
    await put("outbox", letter.id, kept);
    return "refused";
  }
}

function planRetry(): void {
  tries += 1;
  const isUrgent = letters.value.some((letter) => letter.type === "alert" && !letter.refused);
  const longest = isUrgent ? LONGEST_ALERT_WAIT_MILLISECONDS : LONGEST_WAIT_MILLISECONDS;
  const wait = Math.min(longest, 1000 * 2 ** tries) * (0.5 + Math.random() / 2);
  clearTimeout(timer);
  timer = setTimeout(() => void flush(), wait);
}

function pathOf(letter: Letter): string {
  const group = `/groups/${letter.group_id}`;
  switch (letter.type) {
    case "post":
      return `${group}/posts`;
    case "mark":
      return `${group}/posts/${letter.post_id}/acknowledgement`;
    case "revision":
      return `${group}/posts/${letter.post_id}/revisions`;
    case "alert":
      return `${group}/alerts`;
  }
}

function bodyOf(letter: Letter): unknown {
  return letter.type === "mark" ? {} : letter.body;
}
