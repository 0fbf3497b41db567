/** What the system noted in the record, as a sentence. A notice carries codes, ids and numbers only. */

import sheets from "../../../casenet/words/ja/sheets.json";
import notices from "../../../casenet/words/ja/notices.json";
import type { Notice } from "../ground/shapes";
import { say, term } from "../ground/words";

const sheetWords: Record<string, string> = sheets;
const sentences: Record<string, string> = {
  ...notices,
  ...Object.fromEntries(Object.entries(sheets).map(([key, text]) => [key.replace(/^notice\./, ""), text])),
};

/** `nameOf` finds a person's name by id; "" when nobody knows it. */
export function noticeSentence(notice: Notice, nameOf: (id: string) => string): string {
  const sentence = sentences[`${notice.code}.${String(notice["how"] ?? "")}`] ?? sentences[notice.code];
  if (!sentence) return say("notice.unknown");
  return sentence.replace(/\{(\w+)\}/g, (_, name: string) => fact(notice, name, nameOf));
}

function fact(notice: Notice, name: string, nameOf: (id: string) => string): string {
  if (name === "person") return nameOf(String(notice["person_id"] ?? "")) || say("notice.somebody");
  if (name === "people") return names(notice["person_ids"] ?? notice["people"], nameOf);
  const value = notice[name];
  if (typeof value !== "string" && typeof value !== "number") return "";
  // Codes that sheets know by another room's name.
  const inSheets = sheetWords[`${name === "reason" ? "return" : name}.${value}`];
  return inSheets ?? (term(name, String(value)) || String(value));
}

function names(ids: unknown, nameOf: (id: string) => string): string {
  if (!Array.isArray(ids)) return "";
  const known = ids.map((id) => nameOf(String(id))).filter(Boolean);
  return known.length > 0 ? known.join(say("record.and")) : say("notice.somebody");
}
