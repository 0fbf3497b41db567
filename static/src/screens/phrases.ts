/** Ready phrases by profession, from the catalogue; the common ones follow. */

import { term } from "../ground/words";

const FAMILIES: Record<string, string> = {
  physician: "physician",
  dentist: "physician",
  nurse: "nurse",
  public_health_nurse: "nurse",
  assistant_nurse: "nurse",
  care_manager: "care_manager",
  social_worker: "care_manager",
  care_worker: "care_worker",
  home_helper: "care_worker",
  pharmacist: "pharmacist",
  physical_therapist: "therapist",
  occupational_therapist: "therapist",
  speech_therapist: "therapist",
};

export function phrasesFor(profession: string): string[] {
  const own = FAMILIES[profession];
  return [...(own ? lines(`${own}`) : []), ...lines("common")];
}

function lines(name: string): string[] {
  return term("phrases", name).split("\n").filter(Boolean);
}
