/** Who is using this phone. Starts from what was kept, so that the last pages can be read without signal. */

import { signal } from "@preact/signals";
import { get, NoSignal, post, Problem, send, useToken } from "./api";
import { forget, lastOwner, openFor, put, sweep, take } from "./database";
import { isUntouched, touched, wasTouched } from "./idle";
import type { Me } from "./shapes";

export type Session = "starting" | "in" | "out";

export const session = signal<Session>("starting");
export const me = signal<Me | null>(null);
/** True while what is shown comes from the phone only. */
export const isOffline = signal(false);
/** Why this person has to sign in again, until they did; null when they left on purpose or were never here. */
export const ended = signal<"idle" | "over" | null>(null);

/** Without signal the kept pages open as long as a session lives at most: a lost phone is no archive. */
const READABLE_MILLISECONDS = 12 * 3_600_000;

const SWEEP_MILLISECONDS = 10 * 60_000;

interface KeptMe {
  who: Me;
  /** When the server last knew this person. */
  at: number;
}

export interface SessionState {
  signed_in: boolean;
  demo: boolean;
}

type Arrival = (person: Me) => Promise<void>;
let onArrival: Arrival = async () => undefined;
let onDeparture: () => void = () => undefined;

export function whenArrived(arrival: Arrival, departure: () => void): void {
  onArrival = arrival;
  onDeparture = departure;
}

export async function start(): Promise<void> {
  await sweep().catch(() => undefined);
  // What is kept grows old on a phone that lies open at the sign-in page, too.
  setInterval(() => void sweep().catch(() => undefined), SWEEP_MILLISECONDS);
  const isAbandoned = isUntouched();
  try {
    // Left alone for too long: look whether there is a server, without waking the session that is about to end.
    if (isAbandoned) {
      await get("/health/live");
      return stayOut("idle");
    }
    // A phone that remembers nobody and comes by the front door asks first, where no is not an error.
    if (!wasTouched() && !location.hash && !(await sessionState()).signed_in) return stayOut(null);
    await arrive(await get<Me>("/me"));
  } catch (error) {
    if (error instanceof NoSignal || (error instanceof Problem && error.isPassing)) return startOffline();
    stayOut((await lastOwner().catch(() => null)) ? "over" : null);
  }
}

let stateAsked: Promise<SessionState> | null = null;

/** Asked once a start, whoever needs it first. */
export function sessionState(): Promise<SessionState> {
  stateAsked ??= get<SessionState>("/session").catch((error: unknown) => {
    stateAsked = null;
    throw error;
  });
  return stateAsked;
}

function stayOut(why: "idle" | "over" | null): void {
  ended.value = why;
  session.value = "out";
}

async function startOffline(): Promise<void> {
  isOffline.value = true;
  const owner = await lastOwner();
  if (owner) {
    await openFor(owner);
    const kept = await take<KeptMe>("cache", "me");
    if (kept && Date.now() - kept.at < READABLE_MILLISECONDS) {
      me.value = kept.who;
      session.value = "in";
      await onArrival(kept.who);
      return;
    }
  }
  session.value = "out";
}

async function keepMe(who: Me): Promise<void> {
  await put("cache", "me", { who, at: Date.now() } satisfies KeptMe);
}

/** Signed in, or found signed in. */
export async function arrive(who: Me): Promise<void> {
  useToken(who.csrf_token);
  await openFor(who.person.id);
  await keepMe(who);
  isOffline.value = false;
  ended.value = null;
  touched();
  me.value = who;
  session.value = "in";
  await onArrival(who);
}

/** The signal is back after a start without it: the token of the kept session may be old. */
export async function renew(): Promise<void> {
  const who = await get<Me>("/me");
  useToken(who.csrf_token);
  isOffline.value = false;
  me.value = who;
  await keepMe(who);
}

/** The server ended the session. What is written and unsent stays on the phone for this person's next sign-in. */
export function expelled(why: "idle" | "over" = "over"): void {
  if (session.value !== "in") return;
  stayOut(why);
  onDeparture();
}

/** Leaving on purpose: nothing readable stays on this phone. */
export async function signOut(): Promise<void> {
  const person = me.value?.person.id;
  await send("DELETE", "/session").catch((error: unknown) => {
    if (error instanceof NoSignal) throw error;
  });
  onDeparture();
  if (person) await forget(person).catch(() => undefined);
  me.value = null;
  stayOut(null);
}

export async function signInWithPassword(login: string, password: string): Promise<void> {
  await post("/session", { login, password });
}

export async function signInWithCode(code: string): Promise<void> {
  await arrive(await post<Me>("/session/code", { code }));
}

export async function signInAs(personId: string): Promise<void> {
  await arrive(await post<Me>("/demo/session", { person_id: personId }));
}
