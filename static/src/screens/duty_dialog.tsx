/** Changing the plan: a new shift, a substitute, taking a shift out. For the office's administrator. */

import { useRef, useState } from "preact/hooks";
import { get, post, send } from "../ground/api";
import { newId } from "../ground/ids";
import type { Colleague } from "../ground/shapes";
import { dateInput, fromWall, saidTime, toWall } from "../ground/time";
import { say, term } from "../ground/words";
import { Dialog } from "../parts/dialog";
import { useLoaded } from "../parts/loading";
import { professionName } from "../parts/marks";
import { sentenceOf, Trouble } from "../parts/problem";
import type { Roster, Shift } from "./duty";

export type DutyAsked = { type: "add" } | { type: "change" | "remove"; shift: Shift };

const DUTIES = ["home_nursing_on_call", "physician_on_duty", "partner_physician_on_duty"];
const RANKS = ["first", "backup"];

interface DutyDialogProps {
  asked: DutyAsked;
  roster: Roster;
  onClose: () => void;
  onDone: () => void;
}

export function DutyDialog(props: DutyDialogProps) {
  return props.asked.type === "remove" ? <RemoveShift {...props} shift={props.asked.shift} /> : <PlanShift {...props} />;
}

function RemoveShift({ shift, roster, onClose, onDone }: DutyDialogProps & { shift: Shift }) {
  const [trouble, setTrouble] = useState<string | null>(null);
  const name = roster.people[shift.person_id]?.name ?? "";
  const remove = () =>
    send("DELETE", `/facilities/${roster.facility_id}/shifts/${shift.id}`).then(onDone, (error: unknown) => setTrouble(sentenceOf(error)));
  return (
    <Dialog title={say("duty.remove")} onClose={onClose}>
      <p>{say("duty.remove_note", { name })}</p>
      <p>{say("duty.span", { from: saidTime(shift.starts_at), to: saidTime(shift.ends_at) })}</p>
      <Trouble error={trouble} />
      <button type="button" class="button is-main is-wide" onClick={() => void remove()}>
        {say("duty.remove")}
      </button>
    </Dialog>
  );
}

function PlanShift({ asked, roster, onClose, onDone }: DutyDialogProps) {
  const id = useRef(newId()).current;
  const shift = asked.type === "add" ? null : asked.shift;
  const staff = useLoaded(() => get<{ people: Colleague[] }>(`/facilities/${roster.facility_id}/people`), [roster.facility_id]);
  const [trouble, setTrouble] = useState<string | null>(null);
  const tonight = dateInput(Date.now());
  const tomorrow = dateInput(Date.now() + 86_400_000);
  async function plan(event: SubmitEvent) {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const body = {
      id,
      duty: shift?.duty ?? String(form.get("duty")),
      person_id: String(form.get("person_id")),
      starts_at: fromWall(String(form.get("starts_at"))),
      ends_at: fromWall(String(form.get("ends_at"))),
      rank: shift?.rank ?? String(form.get("rank")),
      ...(shift ? { absent_person_id: shift.person_id } : {}),
    };
    try {
      await post(`/facilities/${roster.facility_id}/${shift ? "overrides" : "shifts"}`, body);
      onDone();
    } catch (error) {
      setTrouble(sentenceOf(error));
    }
  }
  return (
    <Dialog title={shift ? say("duty.change") : say("duty.add")} onClose={onClose}>
      <form class="form" onSubmit={(event) => void plan(event)}>
        {shift && <p>{say("duty.stands_in", { name: roster.people[shift.person_id]?.name ?? "" })}</p>}
        {!shift && <Choose name="duty" label={say("duty.duty")} codes={DUTIES} room="duty" />}
        <label class="field">
          <span class="field-label">{say("duty.person")}</span>
          <select name="person_id" required>
            <option value="">{say("members.choose")}</option>
            {staff.value?.people
              .filter((person) => person.id !== shift?.person_id)
              .map((person) => (
                <option key={person.id} value={person.id}>
                  {`${person.name}（${professionName(person.profession)}）`}
                </option>
              ))}
          </select>
        </label>
        <Moment name="starts_at" label={say("duty.from")} value={shift ? toWall(shift.starts_at) : `${tonight}T18:00`} />
        <Moment name="ends_at" label={say("duty.to")} value={shift ? toWall(shift.ends_at) : `${tomorrow}T09:00`} />
        {!shift && <Choose name="rank" label={say("duty.rank")} codes={RANKS} room="rank" />}
        <Trouble error={trouble ?? staff.error} />
        <button type="submit" class="button is-main is-wide">
          {shift ? say("duty.change_do") : say("duty.add_do")}
        </button>
      </form>
    </Dialog>
  );
}

function Choose({ name, label, codes, room }: { name: string; label: string; codes: string[]; room: string }) {
  return (
    <label class="field">
      <span class="field-label">{label}</span>
      <select name={name}>
        {codes.map((code) => (
          <option key={code} value={code}>
            {term(room, code)}
          </option>
        ))}
      </select>
    </label>
  );
}

function Moment({ name, label, value }: { name: string; label: string; value: string }) {
  return (
    <label class="field">
      <span class="field-label">{label}</span>
      <input type="datetime-local" name={name} required defaultValue={value} />
    </label>
  );
}
