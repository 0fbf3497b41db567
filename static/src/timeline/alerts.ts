/** The open alerts that concern this person, and the one on screen. */

import { computed, signal } from "@preact/signals";
import { get } from "../ground/api";
import { put, take } from "../ground/database";
import { touched } from "../ground/idle";
import type { Alert, AlertLine } from "../ground/shapes";

export const alertLines = signal<readonly AlertLine[]>([]);
export const openAlertIds = computed(() => alertLines.value.filter(isOpen).map((line) => line.id));
/** Rang just now: what the live region says, and what the open page reads again. */
export const rang = signal({ id: "", count: 0 });

export function isOpen(alert: { state: string }): boolean {
  return alert.state !== "resolved" && alert.state !== "cancelled";
}

export async function loadAlerts(): Promise<void> {
  const { alerts } = await get<{ alerts: AlertLine[] }>("/alerts?open=true");
  alertLines.value = alerts;
  await put("cache", "alerts", alerts);
}

export async function showKeptAlerts(): Promise<void> {
  alertLines.value = (await take<AlertLine[]>("cache", "alerts")) ?? [];
}

export async function alertRang(alertId: string): Promise<void> {
  // Somebody is called here: the session stays awake for the answer.
  touched();
  rang.value = { id: alertId, count: rang.value.count + 1 };
  await loadAlerts().catch(() => undefined);
}

export async function loadAlert(alertId: string): Promise<Alert> {
  try {
    const alert = await get<Alert>(`/alerts/${alertId}`);
    await put("cache", `alert:${alertId}`, alert);
    return alert;
  } catch (error) {
    const kept = await take<Alert>("cache", `alert:${alertId}`);
    if (kept && !(error instanceof Error && "status" in error)) return kept;
    throw error;
  }
}

export function clearAlerts(): void {
  alertLines.value = [];
}
