/** Who the patient is: the same questions for a new group and for correcting the card. */

import { say } from "../ground/words";

export interface PatientWords {
  name: string;
  kana: string;
  birth_date: string;
  sex: string;
  address: string;
  tel: string;
  summary: string;
}

export const noPatient: PatientWords = { name: "", kana: "", birth_date: "", sex: "", address: "", tel: "", summary: "" };
const SEXES = ["female", "male"] as const;

interface PatientFieldsProps {
  words: PatientWords;
  onChange: (words: PatientWords) => void;
}

export function PatientFields({ words, onChange }: PatientFieldsProps) {
  const set = (key: keyof PatientWords) => (event: { currentTarget: { value: string } }) =>
    onChange({ ...words, [key]: event.currentTarget.value });
  return (
    <>
      <label class="field">
        <span class="field-label">{say("patient.name")}</span>
        <input type="text" required maxLength={100} value={words.name} onInput={set("name")} />
      </label>
      <label class="field">
        <span class="field-label">{say("patient.kana")}</span>
        <input type="text" required maxLength={100} value={words.kana} onInput={set("kana")} />
      </label>
      <label class="field">
        <span class="field-label">{say("patient.birth_date")}</span>
        <input type="date" required min="1880-01-01" value={words.birth_date} onInput={set("birth_date")} />
      </label>
      <fieldset class="field">
        <legend class="field-label">{say("patient.sex")}</legend>
        <div class="choices">
          {SEXES.map((sex) => (
            <label key={sex} class="choice">
              <input
                type="radio"
                name="sex"
                required
                checked={words.sex === sex}
                onChange={() => onChange({ ...words, sex })}
              />
              <span>{say(`sex.${sex}`)}</span>
            </label>
          ))}
        </div>
      </fieldset>
      <label class="field">
        <span class="field-label">{say("patient.address")}</span>
        <textarea rows={2} required maxLength={200} value={words.address} onInput={set("address")} />
      </label>
      <label class="field">
        <span class="field-label">{say("patient.tel")}</span>
        <input type="tel" maxLength={30} value={words.tel} onInput={set("tel")} />
      </label>
      <label class="field">
        <span class="field-label">{say("patient.summary")}</span>
        <span class="field-note">{say("patient.summary_note")}</span>
        <input type="text" maxLength={100} value={words.summary} onInput={set("summary")} />
      </label>
    </>
  );
}
