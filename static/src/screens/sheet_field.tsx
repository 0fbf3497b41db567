/** A field of a sheet with where its value came from, and a newer value offered beside it. */

import { useId } from "preact/hooks";
import texts from "../../../casenet/words/ja/screens_sheets.json";
import sheetWords from "../../../casenet/words/ja/sheets.json";
import { type FormField, type Value, wordsOf } from "../ground/forms";
import { speaker } from "../ground/words";
import { FieldControl } from "../parts/form_field";
import type { Source } from "../timeline/sheets";

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
  onChange: (value: Value) => void;
  onTake: (value: Value) => void;
}

export function SheetField({ field, value, source, offer, clash, fault, isLocked, onChange, onTake }: SheetFieldProps) {
  const id = useId();
  const yes = say("yes");
  return (
    <div class="sheet-field">
      <FieldControl field={field} value={value} onChange={onChange} isLocked={isLocked} describedBy={id} />
      <p class="field-source" id={id}>
        {source ? say("source", { label: source.label }) : ""}
      </p>
      {fault && <p class="field-fault">{sheetWords[`error.${fault}` as keyof typeof sheetWords] ?? say("saving_refused")}</p>}
      {offer && !isLocked && (
        <div class="offer">
          <p>
            <span class="offer-sign">{say("newer")}</span>
            {wordsOf(field, offer.value, yes)}
            <span class="field-source">{say("source", { label: offer.source.label })}</span>
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
