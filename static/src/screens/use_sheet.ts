/** Typing into a sheet: shown at once, saved shortly after, never over somebody else's words. */

import { useEffect, useRef, useState } from "preact/hooks";
import { get, NoSignal, Problem, send } from "../ground/api";
import { drop, put, take as takeKept } from "../ground/database";
import type { Value, Values } from "../ground/forms";
import { mergeTyped, type Sheet } from "../timeline/sheets";

export type Saving = "saved" | "waiting" | "busy" | "away" | "conflict" | "refused";

const SAVE_AFTER_MILLISECONDS = 900;
const TRY_AGAIN_MILLISECONDS = 5_000;

export function useSheet(first: Sheet, touched: number) {
  const [sheet, setSheet] = useState(first);
  const [values, setValues] = useState<Values>(first.values);
  const [clashes, setClashes] = useState<Values>({});
  const [saving, setSaving] = useState<Saving>("saved");
  const [faults, setFaults] = useState<Record<string, string>>({});
  const now = useRef({ sheet: first, values: first.values, dirty: false, busy: false });
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const keptName = `sheet:${first.group_id}:${first.id}`;

  function show(fresh: Sheet, typed: Values) {
    now.current.sheet = fresh;
    now.current.values = typed;
    setSheet(fresh);
    setValues(typed);
  }

  function mergeIn(theirs: Sheet) {
    const { values: merged, clashes: both } = mergeTyped(now.current.sheet.values, now.current.values, theirs.values);
    now.current.dirty = JSON.stringify(merged) !== JSON.stringify(theirs.values);
    show(theirs, merged);
    if (Object.keys(both).length > 0) setClashes((old) => ({ ...old, ...both }));
    return Object.keys(both).length > 0;
  }

  async function save(): Promise<void> {
    const state = now.current;
    if (!state.dirty || state.busy) return;
    state.busy = true;
    state.dirty = false;
    setSaving("busy");
    const typed = state.values;
    try {
      const { body } = await send<Sheet>("PUT", `/sheets/${first.id}`, { values: typed }, { "If-Match": `"${state.sheet.version}"` });
      // What was typed during the request stays; the answer is the new base.
      const { values: merged } = mergeTyped(typed, now.current.values, body.values);
      show(body, merged);
      await drop("cache", keptName);
      setFaults({});
      setSaving(now.current.dirty ? "waiting" : "saved");
    } catch (error) {
      now.current.dirty = true;
      await afterTrouble(error);
    } finally {
      state.busy = false;
      if (now.current.dirty) plan(SAVE_AFTER_MILLISECONDS);
    }
  }

  async function afterTrouble(error: unknown): Promise<void> {
    if (error instanceof NoSignal || (error instanceof Problem && error.isPassing)) {
      setSaving("away");
      plan(TRY_AGAIN_MILLISECONDS);
    } else if (error instanceof Problem && [409, 412].includes(error.status)) {
      const hasClash = mergeIn(await get<Sheet>(`/sheets/${first.id}`));
      setSaving(hasClash ? "conflict" : "waiting");
    } else {
      // Asking again would be refused again; the next change tries anew.
      now.current.dirty = false;
      setFaults(error instanceof Problem ? faultsOf(error) : {});
      setSaving("refused");
    }
  }

  function plan(wait: number) {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => void save(), wait);
  }

  function change(key: string, value: Value) {
    const typed = { ...now.current.values, [key]: value };
    now.current.values = typed;
    now.current.dirty = true;
    setValues(typed);
    setSaving("waiting");
    void put("cache", keptName, { base: now.current.sheet.values, values: typed });
    plan(SAVE_AFTER_MILLISECONDS);
  }

  function take(key: string, value: Value) {
    setClashes(({ [key]: _, ...rest }) => rest);
    setSheet((old) => {
      const { [key]: __, ...offers } = old.offers;
      now.current.sheet = { ...old, offers };
      return now.current.sheet;
    });
    change(key, value);
  }

  useEffect(() => {
    // What a dead battery left unsaved comes back as if it had just been typed.
    void takeKept<{ base: Values; values: Values }>("cache", keptName).then((kept) => {
      if (!kept || first.state !== "draft") return;
      const { values: merged, clashes: both } = mergeTyped(kept.base, kept.values, now.current.sheet.values);
      now.current.dirty = true;
      show(now.current.sheet, merged);
      setClashes(both);
      plan(0);
    });
    return () => {
      clearTimeout(timer.current);
      void save();
    };
  }, []);

  useEffect(() => {
    if (touched === 0 || now.current.busy) return;
    void get<Sheet>(`/sheets/${first.id}`).then((theirs) => {
      if (theirs.version !== now.current.sheet.version || theirs.state !== now.current.sheet.state) mergeIn(theirs);
      else setSheet((now.current.sheet = theirs));
    }, () => undefined);
  }, [touched]);

  return { sheet, values, clashes, faults, saving, change, take, replace: (fresh: Sheet) => show(fresh, fresh.values) };
}

/** Which fields the server refused, and its code for why. Paths of rows ("sv.services.0.kind") count for their field. */
function faultsOf(problem: Problem): Record<string, string> {
  const errors = problem.facts["errors"];
  if (!Array.isArray(errors)) return {};
  return Object.fromEntries(
    (errors as { field: string; code: string }[]).map(({ field, code }) => [field.replace(/^values\./, "").replace(/\.\d+(\..*)?$/, ""), code]),
  );
}
