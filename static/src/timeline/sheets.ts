/** Sheets to hospitals as the server tells them, and saving one while somebody types. */

import type { Value, Values } from "../ground/forms";

export interface Source {
  label: string;
  sequence?: number;
  post_id?: string;
  at?: string;
  person_id?: string;
}

export interface Handover {
  number: number;
  state: string;
  link: string | null;
  code: string | null;
  sent_at: string | null;
  expires_at: string | null;
  opened_at: string | null;
  received_at: string | null;
  received_by: string | null;
  completeness: string | null;
}

/** 入院時情報連携加算: what it would be worth, and until which day. */
export interface Fee {
  tier: string;
  units: number;
  confirmed: boolean;
  first_until: string | null;
  second_until: string | null;
  first_units: number;
  second_units: number;
  unsure: boolean;
}

export interface SheetLine {
  id: string;
  group_id: string;
  kind: string;
  state: "draft" | "released" | "sent" | "received" | "returned" | "withdrawn";
  version: number;
  facility: { id: string; name: string } | null;
  updated_at: string;
}

export interface Sheet extends SheetLine {
  form_version: string;
  values: Values;
  sources: Record<string, Source>;
  offers: Record<string, { value: Value; source: Source }>;
  missing: string[];
  handover: Handover | null;
  fee: Fee | null;
}

/** Somebody else saved first: mine stays where only I typed; where both did, theirs stands and mine is offered. */
export function mergeTyped(base: Values, mine: Values, theirs: Values): { values: Values; clashes: Values } {
  const values: Values = { ...theirs };
  const clashes: Values = {};
  for (const key of Object.keys(mine)) {
    if (isSame(mine[key], base[key])) continue;
    if (isSame(theirs[key], base[key]) || isSame(theirs[key], mine[key])) values[key] = mine[key]!;
    else clashes[key] = mine[key]!;
  }
  return { values, clashes };
}

export function isSame(a: Value | undefined, b: Value | undefined): boolean {
  return JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
}
