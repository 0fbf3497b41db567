/** Changing the plan: a new shift, a substitute, taking somebody out. For the office's administrator. */

import { useRef, useState } from "preact/hooks";
import texts from "../../../casenet/words/ja/screens_duty.json";
import { get, post, send } from "../ground/api";
import { newId } from "../ground/ids";
import type { Colleague, Facility } from "../ground/shapes";
import { dateInput, fromWall, lasting, saidTime, toWall } from "../ground/time";
import { speaker, term } from "../ground/words";
import { Dialog } from "../parts/dialog";
import { useLoaded } from "../parts/loading";
import { professionName } from "../parts/marks";
import { sentenceOf, Trouble } from "../parts/problem";
import { faultOf, isTakenOut, overlap, type Turn, turnsOf } from "../timeline/plan";
import type { Gap, Roster } from "./duty";

const say = speaker(texts);

export type DutyAsked = { type: "add"; gap?: Gap } | { type: "edit"; turn: Turn };

/** Who can be on call for what, as the server has it (casenet/rosters/rules.py); only these are offered. */
const PROFESSIONS: Record<string, string[]> = {
  home_nursing_on_call: ["nurse", "public_health_nurse"],
  physician_on_duty: ["physician"],
  partner_physician_on_duty: ["physician"],
};
/** The one duty whose people may come from another office. */
const PARTNER = "partner_physician_on_duty";
const DAY_MILLISECONDS = 86_400_000;
const RANKS = ["first", "backup"];

interface DutyDialogProps {
  asked: DutyAsked;
  roster: Roster;
  onClose: () => void;
  /** Called with what was done in one sentence, and until when it reaches. */
  onDone: (sentence: string, until: string) => void;
}

export function DutyDialog(props: DutyDialogProps) {
  return props.asked.type === "edit" ? <TurnDialog {...props} turn={props.asked.turn} /> : <PlanTurn {...props} turn={null} />;
}

interface TurnProps extends DutyDialogProps {
  turn: Turn;
}

/** What can be done with one turn; chosen first, confirmed on a page of its own. */
function TurnDialog(props: TurnProps) {
  const { turn, roster, onClose } = props;
  const [act, setAct] = useState<"change" | "remove" | null>(null);
  if (act === "change") return <PlanTurn {...props} />;
  if (act === "remove") return <RemoveTurn {...props} />;
  return (
    <Dialog title={say("edit_title", { name: nameIn(roster, turn) })} onClose={onClose}>
      <p>{timeOf(turn)}</p>
      <button type="button" class="button is-main is-wide" onClick={() => setAct("change")}>
        {say("change")}
      </button>
      <button type="button" class="button is-wide" onClick={() => setAct("remove")}>
        {say("remove")}
      </button>
    </Dialog>
  );
}

function RemoveTurn({ turn, roster, onClose, onDone }: TurnProps) {
  const id = useRef(newId()).current;
  const [trouble, setTrouble] = useState<string | null>(null);
  const name = nameIn(roster, turn);
  const path = `/facilities/${roster.facility_id}`;
  async function remove() {
    try {
      if (turn.shift_id) await send("DELETE", `${path}/shifts/${turn.shift_id}`);
      else await post(`${path}/overrides`, { ...periodOf(turn), id, absent_person_id: turn.person_id });
      onDone(say("removed", { name, time: timeOf(turn) }), turn.ends_at);
    } catch (error) {
      setTrouble(sentenceOf(error));
    }
  }
  return (
    <Dialog title={say("remove")} onClose={onClose}>
      <p>{timeOf(turn)}</p>
      <p>{say("remove_note", { name })}</p>
      <Trouble error={trouble} />
      <button type="button" class="button is-main is-wide" onClick={() => void remove()}>
        {say("remove")}
      </button>
    </Dialog>
  );
}

function periodOf({ duty, rank, starts_at, ends_at }: Turn) {
  return { duty, rank, starts_at, ends_at };
}

function timeOf(span: { starts_at: string; ends_at: string }): string {
  return say("span", { from: saidTime(span.starts_at), to: saidTime(span.ends_at) });
}

function nameIn(roster: Roster, turn: Turn): string {
  return roster.people[turn.person_id]?.name ?? "";
}

/** The night that comes, unless a gap is to be filled or somebody stands in. */
function firstTimes(turn: Turn | null, gap: Gap | undefined): [string, string] {
  if (turn) return [toWall(turn.starts_at), toWall(turn.ends_at)];
  if (gap) return [toWall(gap.starts_at), toWall(atMostADay(gap))];
  return [`${dateInput(Date.now())}T18:00`, `${dateInput(Date.now() + DAY_MILLISECONDS)}T09:00`];
}

/** A gap of a week is filled by more than one person. */
function atMostADay({ starts_at, ends_at }: Gap): string {
  return new Date(Math.min(Date.parse(ends_at), Date.parse(starts_at) + DAY_MILLISECONDS)).toISOString();
}

/** A new shift; with a turn, a substitute for whom has it. */
function PlanTurn({ asked, turn, roster, onClose, onDone }: DutyDialogProps & { turn: Turn | null }) {
  const id = useRef(newId()).current;
  const gap = asked.type === "add" ? asked.gap : undefined;
  const offices = useLoaded(() => get<{ facilities: Facility[] }>("/facilities"), []);
  const [office, setOffice] = useState(roster.facility_id);
  const own = useLoaded(() => staffOf(roster.facility_id), []);
  const duties = Object.keys(PROFESSIONS).filter((duty) => own.value?.some((person) => fits(person, duty)) || duty === gap?.duty);
  const [chosenDuty, setDuty] = useState<string | null>(null);
  const duty = turn?.duty ?? chosenDuty ?? gap?.duty ?? duties[0] ?? "";
  const home = duty === PARTNER ? office : roster.facility_id;
  const staff = useLoaded(() => staffOf(home), [home]);
  const [personId, setPersonId] = useState("");
  const [rank, setRank] = useState("first");
  const [[from, to], setTimes] = useState(firstTimes(turn, gap));
  const [trouble, setTrouble] = useState<string | null>(null);
  const people = (staff.value ?? []).filter((person) => fits(person, duty) && person.id !== turn?.person_id);
  const person = people.find((one) => one.id === personId);
  const period = { starts_at: fromWall(from), ends_at: fromWall(to) };
  const fault = faultOf(period, Date.now(), turn);
  const sentence = fault && say(`fault_${fault}`, turn ? { name: nameIn(roster, turn), time: timeOf(turn) } : {});

  /** Who moves the beginning moves the whole shift: its length is what people have in mind. */
  function setFrom(fresh: string) {
    const moved = Date.parse(fromWall(fresh)) + Date.parse(period.ends_at) - Date.parse(period.starts_at);
    setTimes([fresh, Number.isFinite(moved) && !turn ? toWall(new Date(moved).toISOString()) : to]);
  }

  async function plan(event: SubmitEvent) {
    event.preventDefault();
    if (sentence) return setTrouble(sentence);
    const body = { id, duty, person_id: personId, rank: turn?.rank ?? rank, ...period };
    try {
      const path = `/facilities/${roster.facility_id}`;
      if (turn) await post(`${path}/overrides`, { ...body, absent_person_id: turn.person_id });
      else await post(`${path}/${isTakenOut(roster.overrides, body) ? "overrides" : "shifts"}`, body);
      onDone(say(turn ? "changed" : "added", { name: person?.name ?? "", time: timeOf(period) }), period.ends_at);
    } catch (error) {
      setTrouble(sentenceOf(error));
    }
  }

  return (
    <Dialog title={say(turn ? "change" : "add")} onClose={onClose}>
      <form class="form" onSubmit={(event) => void plan(event)} onInput={() => setTrouble(null)}>
        {turn && <p>{say("stands_in", { name: nameIn(roster, turn) })}</p>}
        {!turn && <Choose label={say("duty")} value={duty} options={duties.map((code) => [code, term("duty", code)])} onChoose={setDuty} />}
        {duty === PARTNER && (
          <Choose
            label={say("office")}
            value={office}
            options={(offices.value?.facilities ?? []).map((one) => [one.id, one.name])}
            onChoose={setOffice}
          />
        )}
        <Choose
          label={say("person")}
          value={person ? personId : ""}
          options={[
            ["", staff.value && people.length === 0 ? say("nobody_fits") : say("choose")],
            ...people.map((one): [string, string] => [one.id, `${one.name}（${professionName(one.profession)}）`]),
          ]}
          onChoose={setPersonId}
        />
        <Moment label={say("from")} value={from} onChange={setFrom} />
        <Moment label={say("to")} value={to} onChange={(fresh) => setTimes([from, fresh])} />
        <p class={fault ? "field-fault" : "duty-time"} role="status">
          {sentence || say("length", { span: timeOf(period), length: lasting(Date.parse(period.ends_at) - Date.parse(period.starts_at)) })}
        </p>
        {!turn && <Choose label={say("rank")} value={rank} options={RANKS.map((code) => [code, term("rank", code)])} onChoose={setRank} />}
        {!turn && !fault && <Others roster={roster} duty={duty} rank={rank} period={period} />}
        <Trouble error={trouble ?? own.error ?? staff.error ?? offices.error} />
        <button type="submit" class="button is-main is-wide">
          {say(turn ? "change_do" : "add_do")}
        </button>
      </form>
    </Dialog>
  );
}

async function staffOf(facilityId: string): Promise<Colleague[]> {
  return (await get<{ people: Colleague[] }>(`/facilities/${facilityId}/people`)).people;
}

function fits(person: Colleague, duty: string): boolean {
  return PROFESSIONS[duty]?.includes(person.profession) ?? false;
}

/** Two at the same time is allowed, and often not what was meant. */
function Others({ roster, duty, rank, period }: { roster: Roster; duty: string; rank: string; period: { starts_at: string; ends_at: string } }) {
  const turns = turnsOf(roster.shifts, roster.overrides);
  const other = turns.find((turn) => turn.duty === duty && turn.rank === rank && overlap(turn, period));
  return other ? <p class="field-note">{say("also", { name: nameIn(roster, other) })}</p> : null;
}

interface ChooseProps {
  label: string;
  value: string;
  options: [string, string][];
  onChoose: (value: string) => void;
}

function Choose({ label, value, options, onChoose }: ChooseProps) {
  return (
    <label class="field">
      <span class="field-label">{label}</span>
      <select value={value} required onChange={(event) => onChoose(event.currentTarget.value)}>
        {options.map(([code, words]) => (
          <option key={code} value={code}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}

function Moment({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  return (
    <label class="field">
      <span class="field-label">{label}</span>
      <input type="datetime-local" required value={value} onInput={(event) => onChange(event.currentTarget.value)} />
    </label>
  );
}
