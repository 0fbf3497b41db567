/** What can be seen at the bedside, and how urgent that is. Proposals only: the person decides the level. */

import type { Level } from "../ground/shapes";

/** Codes as the server knows them; their words are in the catalogue (alerts, sign.*). */
export const SIGNS: Record<Level, readonly string[]> = {
  E4: ["unresponsive", "convulsion", "chest_pain", "paralysis"],
  E3: ["consciousness", "breathing", "oxygen", "bleeding", "head_injury", "blood_pressure", "pulse"],
  E2: ["fever", "pain", "vomiting", "fall", "urine", "device", "end_of_life"],
  E1: ["intake", "other"],
};

export const LEVELS: readonly Level[] = ["E4", "E3", "E2", "E1"];

/** The gravest level among the signs; null when nothing was picked. */
export function suggestedLevel(signs: readonly string[]): Level | null {
  return LEVELS.find((level) => SIGNS[level].some((sign) => signs.includes(sign))) ?? null;
}
