/** Who is really on call: planned shifts after all changes. The same arithmetic as casenet/rosters/rules.py. */

export interface Shift {
  id: string;
  duty: string;
  person_id: string;
  rank: string;
  starts_at: string;
  ends_at: string;
}

/** Nobody absent adds a person, nobody instead takes one out, both put one in the place of the other. */
export interface Override extends Omit<Shift, "person_id"> {
  person_id: string | null;
  absent_person_id: string | null;
}

/** A time in which one person is on call. */
export interface Turn extends Omit<Shift, "id"> {
  key: string;
  /** For whom this person stands in. */
  instead_of: string | null;
  /** The planned shift, while nothing in it was changed: it can be taken out whole. */
  shift_id: string | null;
}

type Span = Pick<Shift, "starts_at" | "ends_at">;

const at = (instant: string) => Date.parse(instant);

/** `overrides` in the order in which they were written: a later one changes what the earlier ones made. */
export function turnsOf(shifts: readonly Shift[], overrides: readonly Override[]): Turn[] {
  let turns: Turn[] = shifts.map(({ id, ...shift }) => ({ ...shift, key: id, instead_of: null, shift_id: id }));
  for (const { id, absent_person_id, person_id, ...override } of overrides) {
    if (absent_person_id) turns = turns.flatMap((turn) => changed(turn, { id, absent_person_id, person_id, ...override }));
    else if (person_id) turns.push({ ...override, person_id, key: id, instead_of: null, shift_id: null });
  }
  return turns.sort(
    (a, b) => at(a.starts_at) - at(b.starts_at) || a.duty.localeCompare(b.duty) || -a.rank.localeCompare(b.rank),
  );
}

function changed(turn: Turn, override: Override): Turn[] {
  if (turn.duty !== override.duty || turn.person_id !== override.absent_person_id || !overlap(turn, override)) return [turn];
  const from = at(override.starts_at) > at(turn.starts_at) ? override.starts_at : turn.starts_at;
  const to = at(override.ends_at) < at(turn.ends_at) ? override.ends_at : turn.ends_at;
  const rest = { ...turn, shift_id: null };
  const pieces: Turn[] = [
    { ...rest, key: `${turn.key}<`, ends_at: from },
    { ...rest, key: `${turn.key}>`, starts_at: to },
  ];
  if (override.person_id) {
    const instead_of = turn.instead_of === override.person_id ? null : (turn.instead_of ?? turn.person_id);
    pieces.push({ ...rest, key: `${turn.key}/${override.id}`, person_id: override.person_id, instead_of, starts_at: from, ends_at: to });
  }
  return pieces.filter((piece) => at(piece.starts_at) < at(piece.ends_at));
}

/** Do two times share a moment? An end and a beginning at the same minute do not. */
export function overlap(one: Span, other: Span): boolean {
  return at(one.starts_at) < at(other.ends_at) && at(other.starts_at) < at(one.ends_at);
}

/** Was this person taken out of this time before? A planned shift would stay without effect: changes count after it. */
export function isTakenOut(overrides: readonly Override[], wanted: Omit<Shift, "id" | "rank">): boolean {
  return overrides.some(
    (one) => one.duty === wanted.duty && one.absent_person_id === wanted.person_id && overlap(one, wanted),
  );
}

export type Fault = "unknown" | "backwards" | "past" | "long" | "outside";

const LONGEST_MILLISECONDS = 31 * 24 * 3_600_000;

/** What is wrong with a time before the server is asked. `within`: what a stand-in must touch. */
export function faultOf(span: Span, now: number, within: Span | null): Fault | null {
  const [from, to] = [at(span.starts_at), at(span.ends_at)];
  if (!Number.isFinite(from) || !Number.isFinite(to)) return "unknown";
  if (to <= from) return "backwards";
  if (to - from > LONGEST_MILLISECONDS) return "long";
  if (to <= now) return "past";
  return within && !overlap(span, within) ? "outside" : null;
}
