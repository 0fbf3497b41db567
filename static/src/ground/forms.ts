/** The form of a sheet as data: blocks of fields. The server is its author (GET /forms/admission). */

import { get } from "./api";
import { put, take } from "./database";
import { calendarDay } from "./time";

export type Value = string | number | boolean | string[] | Record<string, string>[] | null;
export type Values = Record<string, Value>;

export interface Option {
  code: string;
  label: string;
}

export interface FormField {
  key: string;
  label: string;
  type: "text" | "long_text" | "date" | "time" | "number" | "choice" | "choices" | "flag" | "fixed" | "rows";
  required: boolean;
  starred?: boolean;
  group?: string;
  max?: number;
  unit?: string;
  note?: string;
  options?: Option[];
  columns?: { key: string; label: string; max: number }[];
  /** Asked only when another field has one of these codes. */
  when?: { key: string; codes: string[] };
  restricted?: boolean;
}

export interface FormBlock {
  key: string;
  number: number | null;
  title: string;
  fields: FormField[];
}

export interface Form {
  kind: string;
  form_version: string;
  title: string;
  blocks: FormBlock[];
}

export async function loadForm(): Promise<Form> {
  try {
    const form = await get<Form>("/forms/admission");
    await put("cache", "form:admission", form);
    return form;
  } catch (error) {
    const kept = await take<Form>("cache", "form:admission");
    if (kept) return kept;
    throw error;
  }
}

export function isAsked(field: FormField, values: Values): boolean {
  if (!field.when) return true;
  const there = values[field.when.key];
  if (typeof there === "boolean") return there;
  const codes = Array.isArray(there) ? there.map(String) : [String(there ?? "")];
  return codes.some((code) => field.when!.codes.includes(code));
}

/** Filled by sending itself: to whom, and when. */
const BY_SENDING = ["hdr.hospital_name", "hdr.date_provided"];

export function bySending(field: FormField): boolean {
  return BY_SENDING.includes(field.key);
}

/** Whether somebody still has to fill it before the sheet can go. */
export function isMissing(field: FormField, values: Values): boolean {
  return Boolean(field.required) && !bySending(field) && !isFilled(values[field.key]);
}

export function isFilled(value: Value | undefined): boolean {
  if (value === null || value === undefined || value === "") return false;
  return !Array.isArray(value) || value.length > 0;
}

/** A value as people read it. */
export function wordsOf(field: FormField, value: Value | undefined, yes: string): string {
  if (!isFilled(value)) return "";
  const label = (code: unknown) => field.options?.find((option) => option.code === code)?.label ?? String(code);
  switch (field.type) {
    case "choice":
      return label(value);
    case "choices":
      return Array.isArray(value) ? value.map(label).join("・") : label(value);
    case "flag":
      return value ? yes : "";
    case "date":
      return calendarDay(String(value));
    case "rows":
      return Array.isArray(value) ? value.map((row) => Object.values(row).filter(Boolean).join("　")).join("\n") : "";
    default:
      return `${String(value)}${field.unit ?? ""}`;
  }
}
