/** The service worker: the app's shell without signal, and the ring of an urgent call. It holds no patient data. */

import notices from "../../../casenet/words/ja/notices.json";
import worker from "../../../casenet/words/ja/screens_worker.json";

declare const SHELL_FILES: string[];
declare const SHELL_VERSION: string;

const phone = globalThis as unknown as ServiceWorkerGlobalScope;
const SHELL = `shell-${SHELL_VERSION}`;

interface Push {
  kind?: string;
  alert_id?: string;
  sheet_id?: string;
  ping_token?: string;
  title?: string;
}

phone.addEventListener("install", (event) => {
  event.waitUntil(caches.open(SHELL).then((cache) => cache.addAll(SHELL_FILES)).then(() => phone.skipWaiting()));
});

phone.addEventListener("activate", (event) => {
  event.waitUntil(forgetOldShells().then(() => phone.clients.claim()));
});

async function forgetOldShells(): Promise<void> {
  for (const name of await caches.keys()) if (name !== SHELL) await caches.delete(name);
}

phone.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== phone.location.origin) return;
  if (event.request.mode === "navigate") {
    // Documents of the server (PDF, the hospital's page) are no part of the app.
    if (!/^\/(api|handover|health|socket\.io)\b/.test(url.pathname)) event.respondWith(page(event.request));
  } else if (SHELL_FILES.includes(url.pathname)) {
    event.respondWith(caches.match(url.pathname).then((kept) => kept ?? fetch(event.request)));
  }
});

/** The server's page when it answers soon, else the kept one: a new version is never more than one start away. */
async function page(request: Request): Promise<Response> {
  const kept = await caches.match("/");
  try {
    const fresh = await fetch(request, { signal: AbortSignal.timeout(kept ? 2_500 : 30_000) });
    return fresh.ok || !kept ? fresh : kept;
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}

phone.addEventListener("push", (event) => event.waitUntil(ring(read(event.data))));

function read(data: PushMessageData | null): Push {
  try {
    return (data?.json() as Push | undefined) ?? {};
  } catch {
    return {};
  }
}

/** Always shows something: a push that shows nothing costs the right to push. What it shows says nothing of a patient. */
async function ring(push: Push): Promise<void> {
  const isTest = push.kind === "test";
  const isSheet = push.kind === "sheet";
  const body = isTest ? notices["push.test.body"] : isSheet ? notices["push.sheet.body"] : notices["push.alert.body"];
  const isAlert = !isTest && !isSheet;
  const options: NotificationOptions & { renotify?: boolean; actions?: { action: string; title: string }[]; vibrate?: number[] } = {
    body,
    lang: "ja",
    icon: "/icons/icon192.png",
    badge: "/icons/badge96.png",
    tag: `${push.kind ?? "alert"}-${push.alert_id ?? push.sheet_id ?? ""}`,
    renotify: true,
    requireInteraction: isAlert,
    data: push,
    ...(isAlert ? { vibrate: [400, 200, 400, 200, 400] } : {}),
    ...(isAlert && push.ping_token ? { actions: [{ action: "acknowledge", title: worker["acknowledge"] }] } : {}),
  };
  await phone.registration.showNotification("CaseNet", options);
  const told = push.ping_token ? answer(push.ping_token, "receipt") : Promise.resolve(true);
  if (isTest) await tell({ type: "test-arrived" });
  await told;
}

/** One-time, without a session: it moves the deadline and shows nothing. */
async function answer(token: string, what: "receipt" | "acknowledgement"): Promise<boolean> {
  try {
    const path = `/api/v1/pings/${encodeURIComponent(token)}/${what}`;
    return (await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" })).ok;
  } catch {
    return false;
  }
}

phone.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data as Push, event.action));
});

async function open(push: Push, action: string): Promise<void> {
  const isTaken = action === "acknowledge" && push.ping_token !== undefined;
  const isHeard = isTaken ? await answer(push.ping_token!, "acknowledgement") : true;
  if (!isHeard) {
    // The person believes to have answered: say at once that it did not arrive.
    await phone.registration.showNotification("CaseNet", { body: worker["not_heard"], lang: "ja", tag: "not-heard", requireInteraction: true, data: push });
  }
  const address = push.alert_id ? `/#/alerts/${push.alert_id}` : push.sheet_id ? `/#/sheets/${push.sheet_id}` : "/";
  const windows = await phone.clients.matchAll({ type: "window", includeUncontrolled: true });
  const first = windows[0];
  if (!first) {
    await phone.clients.openWindow(address);
    return;
  }
  await first.focus().catch(() => undefined);
  if (push.alert_id) first.postMessage({ type: "open-alert", alert_id: push.alert_id });
}

async function tell(message: Record<string, unknown>): Promise<void> {
  for (const client of await phone.clients.matchAll({ type: "window", includeUncontrolled: true })) client.postMessage(message);
}
