/** Giving a sheet to a hospital: to whom, the one-time link and its code, and what became of it. */

import { useState } from "preact/hooks";
import texts from "../../../casenet/words/ja/screens_sheets.json";
import sheetWords from "../../../casenet/words/ja/sheets.json";
import { get, post } from "../ground/api";
import type { Facility } from "../ground/shapes";
import { saidTime } from "../ground/time";
import { speaker } from "../ground/words";
import { Dialog } from "../parts/dialog";
import { Icon } from "../parts/icons";
import { useLoaded } from "../parts/loading";
import { sentenceOf, Trouble } from "../parts/problem";
import type { Handover, Sheet } from "../timeline/sheets";

const say = speaker(texts);

interface HandoverProps {
  sheet: Sheet;
  /** The labels of what must be filled before it can go. */
  missing: string[];
  /** Whether all that was typed is on the server: only that goes to the hospital. */
  isSaved: boolean;
  onChange: (sheet: Sheet) => void;
}

const MISSING_SHOWN = 5;

export function HandoverPart({ sheet, missing, isSaved, onChange }: HandoverProps) {
  const [isOpen, setIsOpen] = useState(false);
  if (sheet.state !== "draft") return <HandoverState sheet={sheet} handover={sheet.handover} onChange={onChange} />;
  return (
    <>
      <button type="button" class="button is-main is-wide" disabled={sheet.missing.length > 0} onClick={() => setIsOpen(true)}>
        <Icon name="send" />
        {say("release")}
      </button>
      {missing.length > 0 && (
        <p class="field-note">
          {say("release_missing", { count: missing.length })}
          {missing.slice(0, MISSING_SHOWN).join(say("dot"))}
          {missing.length > MISSING_SHOWN ? say("and_more") : ""}
        </p>
      )}
      {isOpen && (
        <ReleaseDialog
          sheet={sheet}
          isSaved={isSaved}
          onClose={() => setIsOpen(false)}
          onDone={(fresh) => {
            setIsOpen(false);
            onChange(fresh);
          }}
        />
      )}
    </>
  );
}

interface ReleaseProps {
  sheet: Sheet;
  isSaved: boolean;
  onClose: () => void;
  onDone: (sheet: Sheet) => void;
}

function ReleaseDialog({ sheet, isSaved, onClose, onDone }: ReleaseProps) {
  const offices = useLoaded(() => get<{ facilities: Facility[] }>("/facilities"), []);
  const hospitals = offices.value?.facilities.filter((office) => office.kind === "hospital") ?? [];
  const [chosen, setChosen] = useState<string | null>(null);
  const [contact, setContact] = useState("");
  const [trouble, setTrouble] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const offered = Object.keys(sheet.offers).length;
  async function release() {
    setIsBusy(true);
    try {
      const body = { facility_id: chosen, ...(contact.trim() ? { contact: contact.trim() } : {}) };
      onDone(await post<Sheet>(`/sheets/${sheet.id}/release`, body));
    } catch (error) {
      setTrouble(sentenceOf(error));
      setIsBusy(false);
    }
  }
  return (
    <Dialog title={say("release_title")} onClose={onClose}>
      <Trouble error={offices.error} onRetry={() => void offices.reload()} />
      <div class="outcomes" role="radiogroup" aria-label={say("release_to")}>
        {hospitals.map((hospital) => (
          <label key={hospital.id} class="outcome-choice">
            <input type="radio" name="hospital" checked={chosen === hospital.id} onChange={() => setChosen(hospital.id)} />
            <span>
              {hospital.name}
              <span class="field-note">{hospital.address}</span>
            </span>
          </label>
        ))}
      </div>
      <label class="field">
        <span class="field-label">{say("release_contact")}</span>
        <input type="text" maxLength={100} value={contact} onInput={(event) => setContact(event.currentTarget.value)} />
      </label>
      <p class="field-note">{say("release_note")}</p>
      {offered > 0 && <p class="field-fault">{say("release_offered", { count: offered })}</p>}
      <Trouble error={trouble} />
      <button type="button" class="button is-main is-wide" disabled={!chosen || isBusy || !isSaved} onClick={() => void release()}>
        {say(isSaved ? "release_do" : "release_unsaved")}
      </button>
    </Dialog>
  );
}

interface StateProps {
  sheet: Sheet;
  handover: Handover | null;
  onChange: (sheet: Sheet) => void;
}

function HandoverState({ sheet, handover, onChange }: StateProps) {
  const [trouble, setTrouble] = useState<unknown>(null);
  const isOver = sheet.state === "received" || sheet.state === "withdrawn" || sheet.state === "returned";
  const renew = () => post<Sheet>(`/sheets/${sheet.id}/link`).then(onChange, setTrouble);
  return (
    <section class="handover card" aria-labelledby="handover-title">
      <h2 id="handover-title">{say("handover")}</h2>
      {sheet.facility && <p>{say("to", { name: sheet.facility.name })}</p>}
      {!handover && sheet.state === "released" && <p role="status">{say("preparing")}</p>}
      {handover && <HandoverSteps handover={handover} isOver={isOver} />}
      <Trouble error={trouble} />
      {handover && !isOver && (
        <button type="button" class="button is-quiet" onClick={() => void renew()}>
          {say("new_link")}
        </button>
      )}
    </section>
  );
}

function HandoverSteps({ handover, isOver }: { handover: Handover; isOver: boolean }) {
  const steps: { word: string; at: string | null }[] = [
    { word: say(handover.opened_at ? "step_opened" : "step_unopened"), at: handover.opened_at },
    { word: handover.received_by ? say("step_received", { name: handover.received_by }) : say("step_receipt"), at: handover.received_at },
  ];
  return (
    <>
      {handover.link && !isOver && (
        <>
          <p class="field-note">{say("handover_note")}</p>
          <CopyLine label={say("link")} text={fullLink(handover.link)} />
          {handover.code && <CopyLine label={say("code")} text={handover.code} isBig />}
          {handover.expires_at && <p class="field-note">{say("expires", { time: saidTime(handover.expires_at) })}</p>}
        </>
      )}
      <ol class="handover-steps">
        <li class="is-done">
          <Icon name="check" />
          {say("step_released")}
        </li>
        {steps.map((step) => (
          <li key={step.word} class={step.at ? "is-done" : ""}>
            <Icon name={step.at ? "check" : "clock"} />
            {step.word}
            {step.at && <time>{saidTime(step.at)}</time>}
          </li>
        ))}
      </ol>
      {handover.completeness && (
        <p>{say("completeness", { word: sheetWords[`completeness.${handover.completeness}` as keyof typeof sheetWords] })}</p>
      )}
    </>
  );
}

function fullLink(link: string): string {
  return link.startsWith("/") ? `${location.origin}${link}` : link;
}

function CopyLine({ label, text, isBig = false }: { label: string; text: string; isBig?: boolean }) {
  const [isCopied, setIsCopied] = useState(false);
  return (
    <div class="copy-line">
      <span class="field-label">{label}</span>
      <output class={isBig ? "secret is-big" : "secret"}>{text}</output>
      <button
        type="button"
        class="button"
        onClick={() => void navigator.clipboard.writeText(text).then(() => setIsCopied(true), () => undefined)}
      >
        {isCopied ? say("copied") : say("copy")}
      </button>
    </div>
  );
}
