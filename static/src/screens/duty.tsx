/** 当番: who is on now with a telephone, tonight and the week, me marked, and in red words where nobody is. */

import { useState } from "preact/hooks";
import { get } from "../ground/api";
import { put, take } from "../ground/database";
import { me } from "../ground/session";
import type { People } from "../ground/shapes";
import { clock, dayName, dayNumber, saidTime } from "../ground/time";
import { say, term } from "../ground/words";
import { Icon } from "../parts/icons";
import { useLoaded, useNow } from "../parts/loading";
import { ProfessionMark, professionName } from "../parts/marks";
import { Trouble } from "../parts/problem";
import { DutyDialog, type DutyAsked } from "./duty_dialog";

export interface Shift {
  id: string;
  duty: string;
  person_id: string;
  rank: string;
  starts_at: string;
  ends_at: string;
}

export interface Override extends Omit<Shift, "person_id"> {
  person_id: string | null;
  absent_person_id: string | null;
}

export interface Gap {
  duty: string;
  starts_at: string;
  ends_at: string;
}

export interface Roster {
  facility_id: string;
  shifts: Shift[];
  overrides: Override[];
  gaps: Gap[];
  people: People;
}

interface DutyNow {
  on_call: { duty: string; person_id: string; rank: string; tel: string }[];
  people: People;
}

async function keptOr<T>(name: string, path: string): Promise<T> {
  try {
    const fresh = await get<T>(path);
    await put("cache", name, fresh);
    return fresh;
  } catch (error) {
    const kept = await take<T>("cache", name);
    if (kept) return kept;
    throw error;
  }
}

export function DutyPage() {
  const minute = Math.floor(useNow(60_000) / 60_000);
  const roster = useLoaded(() => keptOr<Roster>("duty", "/duty"), []);
  const now = useLoaded(() => keptOr<DutyNow>("duty-now", "/duty/now"), [minute]);
  const [asked, setAsked] = useState<DutyAsked | null>(null);
  const isAdministrator = me.value?.person.is_administrator ?? false;
  return (
    <section class="page" aria-labelledby="duty-title">
      <header class="page-head">
        <h1 id="duty-title" tabIndex={-1}>
          {say("duty.title")}
        </h1>
      </header>
      <Trouble error={roster.error ?? now.error} onRetry={() => void roster.reload()} />
      {now.value && <OnNow now={now.value} />}
      {roster.value && roster.value.gaps.length > 0 && <Gaps gaps={roster.value.gaps} />}
      {!roster.value && !roster.error && <div class="skeleton is-row" />}
      {roster.value && <Week roster={roster.value} onAsk={isAdministrator ? setAsked : null} />}
      {isAdministrator && roster.value && (
        <button type="button" class="button is-wide" onClick={() => setAsked({ type: "add" })}>
          <Icon name="plus" />
          {say("duty.add")}
        </button>
      )}
      {asked && roster.value && (
        <DutyDialog
          asked={asked}
          roster={roster.value}
          onClose={() => setAsked(null)}
          onDone={() => {
            setAsked(null);
            void roster.reload();
            void now.reload();
          }}
        />
      )}
    </section>
  );
}

function OnNow({ now }: { now: DutyNow }) {
  return (
    <section class="card" aria-labelledby="now-title">
      <h2 id="now-title">{say("duty.now")}</h2>
      {now.on_call.length === 0 && <p>{say("duty.nobody_now")}</p>}
      <ul class="rows is-plain">
        {now.on_call.map((one) => {
          const person = now.people[one.person_id];
          return (
            <li key={`${one.duty}${one.person_id}`} class="member">
              <ProfessionMark profession={person?.profession ?? ""} />
              <span class="row-main">
                <span class="row-note">
                  {term("duty", one.duty)}・{term("rank", one.rank)}
                </span>
                <span class="row-title">
                  {person?.name}
                  {one.person_id === me.value?.person.id && <span class="me-sign">{say("duty.me")}</span>}
                </span>
                <span class="row-note">{professionName(person?.profession)}</span>
              </span>
              {one.tel && (
                <a
                  class="icon-button is-call"
                  href={`tel:${one.tel.replace(/[^\d+]/g, "")}`}
                  aria-label={say("duty.call", { name: person?.name ?? "" })}
                >
                  <Icon name="phone" />
                </a>
              )}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** Red, because a person in need would find nobody. */
function Gaps({ gaps }: { gaps: Gap[] }) {
  return (
    <section class="gaps" aria-labelledby="gaps-title">
      <h2 id="gaps-title">
        <Icon name="warning" />
        {say("duty.gaps")}
      </h2>
      <ul>
        {gaps.map((gap) => (
          <li key={`${gap.duty}${gap.starts_at}`}>
            {term("duty", gap.duty)}：{say("duty.gap_time", { from: saidTime(gap.starts_at), to: endTime(gap.starts_at, gap.ends_at) })}
          </li>
        ))}
      </ul>
    </section>
  );
}

interface Entry {
  key: string;
  starts_at: string;
  ends_at: string;
  duty: string;
  rank: string;
  shift: Shift | null;
  override: Override | null;
}

function Week({ roster, onAsk }: { roster: Roster; onAsk: ((asked: DutyAsked) => void) | null }) {
  const entries: Entry[] = [
    ...roster.shifts.map((shift) => ({ ...shift, key: shift.id, shift, override: null })),
    ...roster.overrides.map((override) => ({ ...override, key: override.id, shift: null, override })),
  ].sort((a, b) => a.starts_at.localeCompare(b.starts_at) || a.duty.localeCompare(b.duty));
  const days = [...new Set(entries.map((entry) => dayNumber(entry.starts_at)))];
  return (
    <section aria-labelledby="week-title">
      <h2 id="week-title">{say("duty.week")}</h2>
      {entries.length === 0 && <p class="empty">{say("duty.none")}</p>}
      {days.map((day) => {
        const onDay = entries.filter((entry) => dayNumber(entry.starts_at) === day);
        return (
          <section key={day} class="duty-day">
            <h3>{dayName(onDay[0]!.starts_at)}</h3>
            <ul class="rows">
              {onDay.map((entry) => (
                <DutyEntry key={entry.key} entry={entry} people={roster.people} onAsk={onAsk} />
              ))}
            </ul>
          </section>
        );
      })}
    </section>
  );
}

function DutyEntry({ entry, people, onAsk }: { entry: Entry; people: People; onAsk: ((asked: DutyAsked) => void) | null }) {
  const { shift, override } = entry;
  const personId = shift?.person_id ?? override?.person_id ?? override?.absent_person_id ?? "";
  const person = people[personId];
  const isMine = personId === me.value?.person.id && Boolean(shift ?? override?.person_id);
  return (
    <li class={`member duty-entry ${isMine ? "is-mine" : ""}`}>
      <ProfessionMark profession={person?.profession ?? ""} />
      <span class="row-main">
        <span class="row-title">
          {person?.name}
          {isMine && <span class="me-sign">{say("duty.me")}</span>}
        </span>
        <span class="row-note">
          {say("duty.span", { from: clock(entry.starts_at), to: endTime(entry.starts_at, entry.ends_at) })}
        </span>
        <span class="row-note">
          {term("duty", entry.duty)}・{term("rank", entry.rank)}
        </span>
        {override && <span class="row-note">{overrideWords(override, people)}</span>}
      </span>
      {shift && onAsk && (
        <span class="duty-tools">
          <button type="button" class="button is-quiet" onClick={() => onAsk({ type: "change", shift })}>
            {say("duty.change")}
          </button>
          <button type="button" class="button is-quiet" onClick={() => onAsk({ type: "remove", shift })}>
            {say("duty.remove")}
          </button>
        </span>
      )}
    </li>
  );
}

function overrideWords(override: Override, people: People): string {
  const absent = people[override.absent_person_id ?? ""]?.name;
  if (!absent) return "";
  return say(override.person_id ? "duty.stands_in" : "duty.out", { name: absent });
}

/** The end with its day when that is another one. */
function endTime(start: string, end: string): string {
  return dayNumber(start) === dayNumber(end) ? clock(end) : saidTime(end);
}
