/** A field of a sheet with where its value came from, and a newer value offered beside it. */

import { useId } from "preact/hooks";
import texts from "../../../casenet/words/ja/screens_sheets.json";
import sheetWords from "../../../casenet/words/ja/sheets.json";
import { bySending, type FormField, isFilled, type Value, wordsOf } from "../ground/forms";
import type { Member } from "../ground/shapes";
import { shortDate } from "../ground/time";
import { speaker } from "../ground/words";
import { FieldControl } from "../parts/form_field";
import { professionName } from "../parts/marks";
import type { Source } from "../timeline/sheets";
import { functionName } from "./group";

const say = speaker(texts);

interface SheetFieldProps {
  field: FormField;
  value: Value | undefined;
  source: Source | undefined;
  offer: { value: Value; source: Source } | undefined;
  clash: Value | undefined;
  /** The server's code for what is wrong with the value. */
  fault: string | undefined;
  isLocked: boolean;
  members: readonly Member[];
  onChange: (value: Value) => void;
  onTake: (value: Value) => void;
}

export function SheetField({ field, value, source, offer, clash, fault, isLocked, members, onChange, onTake }: SheetFieldProps) {
  const id = useId();
  const yes = say("yes");
  return (
    <div class="sheet-field">
      <FieldControl field={field} value={value} onChange={onChange} isLocked={isLocked} describedBy={id} />
      <p class="field-source" id={id}>
        {source && sourceWords(source, members)}
        {!source && !isLocked && bySending(field) && !isFilled(value) && say("by_sending")}
      </p>
      {fault && <p class="field-fault">{sheetWords[`error.${fault}` as keyof typeof sheetWords] ?? say("saving_refused")}</p>}
      {offer && !isLocked && (
        <div class="offer">
          <p>
            <span class="offer-sign">{say("newer")}</span>
            {wordsOf(field, offer.value, yes)}
            <span class="field-source">{sourceWords(offer.source, members)}</span>
          </p>
          <button type="button" class="button" onClick={() => onTake(offer.value)}>
            {say("take")}
          </button>
        </div>
      )}
      {clash !== undefined && !isLocked && (
        <div class="offer">
          <p>
            <span class="offer-sign">{say("yours")}</span>
            {wordsOf(field, clash, yes) || say("emptied")}
          </p>
          <button type="button" class="button" onClick={() => onTake(clash)}>
            {say("take_yours")}
          </button>
        </div>
      )}
    </div>
  );
}

/** 出典：11/19 訪問看護 田中. A post's label names its writer; who wrote anything else is looked up in the group. */
export function sourceWords(source: Source, members: readonly Member[]): string {
  const person = source.post_id ? undefined : members.find((member) => member.person_id === source.person_id);
  const role = person && (functionName(person.function) || professionName(person.profession));
  const by = person ? say("source_by", { label: source.label, name: `${role} ${person.name.split(/\s/)[0]}` }) : source.label;
  return say("source", { label: source.at ? say("source_at", { date: shortDate(source.at), label: by }) : by });
}
