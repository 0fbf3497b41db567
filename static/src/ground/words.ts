/** Every text that people read comes from the catalogue that the server uses too: casenet/words/ja. */

import alerts from "../../../casenet/words/ja/alerts.json";
import screens from "../../../casenet/words/ja/screens.json";
import vocabulary from "../../../casenet/words/ja/vocabulary.json";

export type Facts = Record<string, string | number>;
export type Word = keyof typeof screens;

/** A speaker for one room of the catalogue; the keys are checked when the app is built. */
export function speaker<Key extends string>(room: Record<Key, string>): (key: Key, facts?: Facts) => string {
  return (key, facts = {}) => room[key].replace(/\{(\w+)\}/g, (whole, name: string) => String(facts[name] ?? whole));
}

export const say = speaker<Word>(screens);

const terms: Record<string, string> = { ...alerts, ...screens, ...vocabulary };

/** The word for a code of the domain ("profession", "nurse"); the code itself when the catalogue is older than the server. */
export function term(room: string, code: string | null | undefined): string {
  if (!code) return "";
  return terms[`${room}.${code}`] ?? code;
}
