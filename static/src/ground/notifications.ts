/** The service worker and Web Push: on this phone, with the person's consent, and proven by a test that arrives. */

import { signal } from "@preact/signals";
import { get, post, send } from "./api";
import { go } from "./router";

export interface Subscription {
  id: string;
  created_at: string;
  endpoint_host: string;
}

/** When the last test came in on this phone. */
export const testArrivedAt = signal<number | null>(null);

export function isPushPossible(): boolean {
  return "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
}

export function watchNotifications(): void {
  if (!("serviceWorker" in navigator)) return;
  navigator.serviceWorker.addEventListener("message", (event: MessageEvent<{ type?: string; alert_id?: string }>) => {
    if (event.data.type === "test-arrived") testArrivedAt.value = Date.now();
    if (event.data.type === "open-alert" && event.data.alert_id) go("alerts", event.data.alert_id);
  });
}

export async function registerWorker(): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  await navigator.serviceWorker.register("/sw.js").catch(() => undefined);
}

export async function isSubscribedHere(): Promise<boolean> {
  if (!isPushPossible()) return false;
  const registration = await navigator.serviceWorker.getRegistration();
  return Boolean(await registration?.pushManager.getSubscription());
}

/** Ask the person, subscribe with the push service, tell the server. "denied" when the person or the phone says no. */
export async function subscribe(vapidKey: string): Promise<"on" | "denied"> {
  if ((await Notification.requestPermission()) !== "granted") return "denied";
  const registration = await navigator.serviceWorker.ready;
  const known = await registration.pushManager.getSubscription();
  const subscription =
    known ?? (await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytesOf(vapidKey) }));
  const { endpoint, keys } = subscription.toJSON();
  await post("/push-subscriptions", { endpoint, keys: { p256dh: keys?.["p256dh"], auth: keys?.["auth"] } });
  return "on";
}

export async function unsubscribe(id: string): Promise<void> {
  await send("DELETE", `/push-subscriptions/${id}`);
}

export async function subscriptions(): Promise<Subscription[]> {
  const answer = await get<{ subscriptions: Subscription[] }>("/push-subscriptions");
  return answer.subscriptions;
}

export async function sendTest(): Promise<void> {
  testArrivedAt.value = null;
  await post("/push-subscriptions/test");
}

/** Sign-out: this phone must not ring for someone who left it. */
export async function silenceThisPhone(): Promise<void> {
  if (!isPushPossible()) return;
  const registration = await navigator.serviceWorker.getRegistration();
  const subscription = await registration?.pushManager.getSubscription();
  await subscription?.unsubscribe().catch(() => false);
}

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  const base64 = base64url.replaceAll("-", "+").replaceAll("_", "/");
  const text = atob(base64.padEnd(Math.ceil(base64.length / 4) * 4, "="));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
