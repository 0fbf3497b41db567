/** Small signs that say who and what: profession, kind, level. Colour never alone: always with a word or a shape. */

import type { Kind, Level } from "../ground/shapes";
import { say, term } from "../ground/words";

/** One character on the mark; the word stands beside it. */
const LETTERS: Record<string, string> = {
  physician: "医",
  dentist: "歯",
  pharmacist: "薬",
  public_health_nurse: "保",
  nurse: "看",
  assistant_nurse: "准",
  physical_therapist: "理",
  occupational_therapist: "作",
  speech_therapist: "言",
  dietitian: "栄",
  dental_hygienist: "衛",
  care_manager: "支",
  care_worker: "介",
  home_helper: "訪",
  social_worker: "相",
  office_clerk: "事",
  family: "家",
  patient: "本",
};

const FAMILIES: Record<string, string> = {
  physician: "doctor",
  dentist: "doctor",
  pharmacist: "drug",
  public_health_nurse: "nurse",
  nurse: "nurse",
  assistant_nurse: "nurse",
  physical_therapist: "rehab",
  occupational_therapist: "rehab",
  speech_therapist: "rehab",
  dietitian: "food",
  dental_hygienist: "food",
  care_manager: "plan",
  social_worker: "plan",
  care_worker: "care",
  home_helper: "care",
  family: "home",
  patient: "home",
};

export function ProfessionMark({ profession }: { profession: string }) {
  return (
    <span class={`profession-mark is-${FAMILIES[profession] ?? "other"}`} aria-hidden="true">
      {LETTERS[profession] ?? "他"}
    </span>
  );
}

export function professionName(profession: string | undefined): string {
  return term("profession", profession);
}

const KIND_SIGNS: Record<Kind, string> = { report: "", question: "？", instruction: "▶", urgent: "！", notice: "" };

export function KindLabel({ kind }: { kind: Kind }) {
  return (
    <span class={`kind-label is-${kind}`}>
      {KIND_SIGNS[kind] && <span aria-hidden="true">{KIND_SIGNS[kind]}</span>}
      {term("kind", kind)}
    </span>
  );
}

export function LevelLabel({ level }: { level: Level }) {
  return (
    <span class={`level-label is-${level}`}>
      <span class="level-code">{level}</span>
      {term("level", level)}
    </span>
  );
}

export function CountBadge({ count, label }: { count: number; label: string }) {
  if (count <= 0) return null;
  return (
    <span class="count-badge">
      {count > 99 ? "99+" : count}
      <span class="hidden">{label}</span>
    </span>
  );
}

/** 82歳・男性 */
export function ageAndSex(patient: { age: number; sex: string }): string {
  return say("patient.age_sex", { age: patient.age, sex: term("sex", patient.sex) });
}
