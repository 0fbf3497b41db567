/** The four big buttons of the one who answers, and the way back for the one who asked. */

import { useState } from "preact/hooks";
import { me } from "../ground/session";
import type { Alert } from "../ground/shapes";
import { speaker, term } from "../ground/words";
import texts from "../../../casenet/words/ja/screens_urgent.json";
import { Dialog } from "../parts/dialog";
import { Icon, type IconName } from "../parts/icons";

const say = speaker(texts);

type Act = (name: string, body?: Record<string, unknown>) => Promise<void>;
type Step = "acknowledgement" | "response" | "arrival" | "resolution";

const STEPS: { name: Step; word: keyof typeof texts; note: keyof typeof texts; icon: IconName }[] = [
  { name: "acknowledgement", word: "answer_take", note: "answer_take_note", icon: "check" },
  { name: "response", word: "answer_respond", note: "answer_respond_note", icon: "car" },
  { name: "arrival", word: "answer_arrive", note: "answer_arrive_note", icon: "flag" },
  { name: "resolution", word: "answer_end", note: "answer_end_note", icon: "sheet" },
];
/** How many of the buttons are done in each state. */
const DONE: Record<string, number> = { open: 0, acknowledged: 1, responding: 2, arrived: 3 };
export const OUTCOMES = [
  "phone_guidance",
  "nurse_visit",
  "physician_visit",
  "ambulance",
  "admission",
  "end_of_life_care",
  "false_alarm",
] as const;
const MINUTES = [10, 20, 30, 45, 60, 90] as const;

interface AnswerProps {
  alert: Alert;
  isMine: boolean;
  mayAnswer: boolean;
  act: Act;
}

export function AnswerButtons({ alert, isMine, mayAnswer, act }: AnswerProps) {
  const [asked, setAsked] = useState<"response" | "resolution" | "cancellation" | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const done = DONE[alert.state] ?? 0;
  const isTaken = alert.answered_by !== null && alert.answered_by !== me.value?.person.id;
  async function run(name: string, body?: Record<string, unknown>) {
    setAsked(null);
    setIsBusy(true);
    await act(name, body);
    setIsBusy(false);
  }
  const press = (name: Step) => (name === "response" || name === "resolution" ? setAsked(name) : void run(name));
  return (
    <section class="answer" aria-label={say("answer")}>
      {isTaken && mayAnswer && !isMine && <p class="taken">{say("taken", { name: alert.people[alert.answered_by ?? ""]?.name ?? "" })}</p>}
      <div class={`answer-buttons ${isMine && done === 0 ? "is-second" : ""}`}>
        {(mayAnswer ? STEPS : []).map((step, place) => (
          <button
            key={step.name}
            type="button"
            class={`answer-button ${place < done ? "is-done" : place === done && !isTaken ? "is-next" : ""}`}
            disabled={isBusy || place < done}
            onClick={() => press(step.name)}
          >
            <Icon name={place < done ? "check" : step.icon} />
            <span class="answer-word">{say(step.word)}</span>
            <span class="answer-note">{place < done ? say("answer_done") : say(step.note)}</span>
          </button>
        ))}
      </div>
      {isMine && (
        <button type="button" class="button is-quiet is-wide" onClick={() => setAsked("cancellation")}>
          {say("cancel")}
        </button>
      )}
      {asked === "response" && <ResponseDialog onClose={() => setAsked(null)} onRun={(body) => void run("response", body)} />}
      {asked === "resolution" && <ResolutionDialog onClose={() => setAsked(null)} onRun={(body) => void run("resolution", body)} />}
      {asked === "cancellation" && <CancelDialog onClose={() => setAsked(null)} onRun={(body) => void run("cancellation", body)} />}
    </section>
  );
}

interface DialogProps {
  onClose: () => void;
  onRun: (body: Record<string, unknown>) => void;
}

function ResponseDialog({ onClose, onRun }: DialogProps) {
  return (
    <Dialog title={say("respond_title")} onClose={onClose}>
      <button type="button" class="button is-main is-wide" onClick={() => onRun({ how: "phone" })}>
        <Icon name="phone" />
        {say("respond_phone")}
      </button>
      <h3>{say("respond_visit")}</h3>
      <div class="minutes">
        {MINUTES.map((minutes) => (
          <button key={minutes} type="button" class="button" onClick={() => onRun({ how: "visit", eta_minutes: minutes })}>
            {say("minutes", { count: minutes })}
          </button>
        ))}
      </div>
    </Dialog>
  );
}

function ResolutionDialog({ onClose, onRun }: DialogProps) {
  const [outcome, setOutcome] = useState<string | null>(null);
  const [note, setNote] = useState("");
  return (
    <Dialog title={say("end_title")} onClose={onClose}>
      <div class="outcomes" role="radiogroup" aria-label={say("end_title")}>
        {OUTCOMES.map((code) => (
          <label key={code} class="outcome-choice">
            <input type="radio" name="outcome" checked={outcome === code} onChange={() => setOutcome(code)} />
            <span>{term("outcome", code)}</span>
          </label>
        ))}
      </div>
      <label class="field">
        <span class="field-label">{say("end_note")}</span>
        <textarea rows={3} maxLength={1_000} value={note} onInput={(event) => setNote(event.currentTarget.value)} />
      </label>
      <button
        type="button"
        class="button is-main is-wide"
        disabled={!outcome}
        onClick={() => onRun({ outcome, ...(note.trim() ? { note: note.trim() } : {}) })}
      >
        {say("end_do")}
      </button>
    </Dialog>
  );
}

function CancelDialog({ onClose, onRun }: DialogProps) {
  const [reason, setReason] = useState("");
  return (
    <Dialog title={say("cancel")} onClose={onClose}>
      <p>{say("cancel_note")}</p>
      <label class="field">
        <span class="field-label">{say("cancel_reason")}</span>
        <textarea rows={2} maxLength={500} value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
      </label>
      <button type="button" class="button is-wide" disabled={!reason.trim()} onClick={() => onRun({ reason: reason.trim() })}>
        {say("cancel_do")}
      </button>
    </Dialog>
  );
}
