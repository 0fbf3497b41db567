/** 当番: who is on now with a telephone, the coming weeks, me marked, and in red words where nobody is. */

import { useState } from "preact/hooks";
import texts from "../../../casenet/words/ja/screens_duty.json";
import { get } from "../ground/api";
import { put, take } from "../ground/database";
import { me } from "../ground/session";
import type { People } from "../ground/shapes";
import { clock, dayName, dayNumber, saidTime } from "../ground/time";
import { speaker, term } from "../ground/words";
import { Icon } from "../parts/icons";
import { useLoaded, useNow } from "../parts/loading";
import { ProfessionMark, professionName } from "../parts/marks";
import { Trouble } from "../parts/problem";
import { type Override, type Shift, type Turn, turnsOf } from "../timeline/plan";
import { DutyDialog, type DutyAsked } from "./duty_dialog";

const say = speaker(texts);
const DAY_MILLISECONDS = 86_400_000;
/** As far as the server tells in one answer: 62 days. */
const WEEKS_MAX = 8;

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

/** What the server told, and when: null for just now. */
type Told<T> = T & { asOf: number | null };

async function keptOr<T>(name: string, path: string): Promise<Told<T>> {
  try {
    const fresh = await get<T>(path);
    await put("cache", name, { ...fresh, asOf: Date.now() });
    return { ...fresh, asOf: null };
  } catch (error) {
    const kept = await take<Told<T>>("cache", name);
    if (kept) return kept;
    throw error;
  }
}

function rosterPath(weeks: number): string {
  if (weeks === 1) return "/duty";
  const until = new Date(Date.now() + weeks * 7 * DAY_MILLISECONDS);
  return `/duty?from=${new Date().toISOString()}&to=${until.toISOString()}`;
}

export function DutyPage() {
  const minute = Math.floor(useNow(60_000) / 60_000);
  const [weeks, setWeeks] = useState(1);
  const roster = useLoaded(() => keptOr<Roster>(`roster${weeks}`, rosterPath(weeks)), [weeks]);
  const now = useLoaded(() => keptOr<DutyNow>("on-call", "/duty/now"), [minute]);
  const [asked, setAsked] = useState<DutyAsked | null>(null);
  const [done, setDone] = useState("");
  const isAdministrator = me.value?.person.is_administrator ?? false;
  const ask = isAdministrator ? setAsked : null;
  // An office without a roster: "nobody is on call" would frighten who looks for a patient's nurse.
  const hasNone = weeks === 1 && roster.value?.shifts.length === 0 && roster.value.overrides.length === 0;
  function finish(sentence: string, until: string) {
    setAsked(null);
    setDone(sentence);
    void now.reload();
    // What was just put in stands before the eyes, however far away it is.
    const needed = Math.min(WEEKS_MAX, Math.ceil((Date.parse(until) - Date.now()) / (7 * DAY_MILLISECONDS)));
    if (needed > weeks) setWeeks(needed);
    else void roster.reload();
  }
  return (
    <section class="page" aria-labelledby="duty-title">
      <header class="page-head">
        <h1 id="duty-title" tabIndex={-1}>
          {say("title")}
        </h1>
      </header>
      <Trouble error={roster.error ?? now.error} onRetry={() => void roster.reload()} />
      {hasNone && (
        <div class="empty">
          <p>{say("none", { office: me.value?.person.facility?.name ?? "" })}</p>
          <p class="field-note">{say("none_note")}</p>
        </div>
      )}
      {now.value && !hasNone && <OnNow now={now.value} />}
      {roster.value && <Gaps gaps={roster.value.gaps.filter(isSoon)} weeks={weeks} onAsk={ask} />}
      {!roster.value && !roster.error && <div class="skeleton is-row" />}
      {ask && roster.value && (
        <button type="button" class="button is-wide" onClick={() => ask({ type: "add" })}>
          <Icon name="plus" />
          {say("add")}
        </button>
      )}
      {isAdministrator && (
        <p class={done ? "good-line" : "hidden"} role="status">
          {done && <Icon name="check" />}
          {done}
        </p>
      )}
      {roster.value && <Gaps gaps={roster.value.gaps.filter((gap) => !isSoon(gap))} weeks={weeks} onAsk={ask} isLater />}
      {roster.value && !hasNone && <Plan roster={roster.value} weeks={weeks} onAsk={ask} />}
      {roster.value && (!hasNone || isAdministrator) && weeks < WEEKS_MAX && (
        <button type="button" class="button is-quiet is-wide" onClick={() => setWeeks(weeks + 1)}>
          {say("further")}
        </button>
      )}
      {asked && roster.value && (
        <DutyDialog asked={asked} roster={roster.value} onClose={() => setAsked(null)} onDone={finish} />
      )}
    </section>
  );
}

function OnNow({ now }: { now: Told<DutyNow> }) {
  return (
    <section class="card" aria-labelledby="now-title">
      <h2 id="now-title">{say("now")}</h2>
      {/* Since then another shift may have begun, and the wrong person would be called. */}
      {now.asOf !== null && <p class="field-fault">{say("as_of", { time: saidTime(now.asOf) })}</p>}
      {now.on_call.length === 0 && <p>{say("nobody_now")}</p>}
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
                  {one.person_id === me.value?.person.id && <span class="me-sign">{say("me")}</span>}
                </span>
                <span class="row-note">{professionName(person?.profession)}</span>
              </span>
              {one.tel && (
                <a
                  class="icon-button is-call"
                  href={`tel:${one.tel.replace(/[^\d+]/g, "")}`}
                  aria-label={say("call", { name: person?.name ?? "" })}
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

type OnAsk = ((asked: DutyAsked) => void) | null;

function isSoon(gap: Gap): boolean {
  return Date.parse(gap.starts_at) < Date.now() + 7 * DAY_MILLISECONDS;
}

interface GapsProps {
  gaps: Gap[];
  weeks: number;
  onAsk: OnAsk;
  isLater?: boolean;
}

/** Red, because a person in need would find nobody; what lies weeks ahead is not planned yet, and no danger. */
function Gaps({ gaps, weeks, onAsk, isLater = false }: GapsProps) {
  const id = isLater ? "later-gaps-title" : "gaps-title";
  if (gaps.length === 0) return null;
  return (
    <section class={`gaps ${isLater ? "is-later" : ""}`} aria-labelledby={id}>
      <h2 id={id}>
        {!isLater && <Icon name="warning" />}
        {say(isLater ? "gaps_later" : "gaps")}
      </h2>
      <ul>
        {gaps.map((gap) => (
          <li key={`${gap.duty}${gap.starts_at}`}>
            {term("duty", gap.duty)}：{gapTime(gap, weeks)}
            {onAsk && (
              <button type="button" class="button is-wide" onClick={() => onAsk({ type: "add", gap })}>
                {say("fill")}
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Where the look into the future ends, nothing is known of the gap's own end. */
function gapTime(gap: Gap, weeks: number): string {
  const isOpen = Date.parse(gap.ends_at) > Date.now() + weeks * 7 * DAY_MILLISECONDS - 3_600_000;
  const from = saidTime(gap.starts_at);
  return isOpen ? say("gap_open", { from }) : say("gap_time", { from, to: endTime(gap.starts_at, gap.ends_at) });
}

function Plan({ roster, weeks, onAsk }: { roster: Roster; weeks: number; onAsk: OnAsk }) {
  const turns = turnsOf(roster.shifts, roster.overrides);
  const days = [...new Set(turns.map((turn) => dayNumber(turn.starts_at)))];
  return (
    <section aria-labelledby="week-title">
      <h2 id="week-title">{weeks === 1 ? say("week") : say("weeks", { count: weeks })}</h2>
      {turns.length === 0 && <p class="empty">{say("none_then")}</p>}
      {days.map((day) => {
        const onDay = turns.filter((turn) => dayNumber(turn.starts_at) === day);
        return (
          <section key={day} class="duty-day">
            <h3>{dayName(onDay[0]!.starts_at)}</h3>
            <ul class="rows">
              {onDay.map((turn) => (
                <DutyTurn key={turn.key} turn={turn} people={roster.people} onAsk={onAsk} />
              ))}
            </ul>
          </section>
        );
      })}
    </section>
  );
}

function DutyTurn({ turn, people, onAsk }: { turn: Turn; people: People; onAsk: OnAsk }) {
  const person = people[turn.person_id];
  const isMine = turn.person_id === me.value?.person.id;
  return (
    <li class={`member duty-turn ${isMine ? "is-mine" : ""}`}>
      <ProfessionMark profession={person?.profession ?? ""} />
      <span class="row-main">
        <span class="row-title">
          {person?.name}
          {isMine && <span class="me-sign">{say("me")}</span>}
        </span>
        <span class="duty-time">{say("span", { from: clock(turn.starts_at), to: endTime(turn.starts_at, turn.ends_at) })}</span>
        <span class="row-note">
          {term("duty", turn.duty)}・{term("rank", turn.rank)}
        </span>
        {turn.instead_of && <span class="row-note">{say("stands_in", { name: people[turn.instead_of]?.name ?? "" })}</span>}
      </span>
      {onAsk && (
        <button
          type="button"
          class="button is-quiet"
          aria-label={say("edit_label", { name: person?.name ?? "", time: saidTime(turn.starts_at) })}
          onClick={() => onAsk({ type: "edit", turn })}
        >
          {say("edit")}
        </button>
      )}
    </li>
  );
}

/** The end with its day when that is another one. */
export function endTime(start: string, end: string): string {
  return dayNumber(start) === dayNumber(end) ? clock(end) : saidTime(end);
}
