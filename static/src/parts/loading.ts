/** Reading something from the server for a screen: value, error, and a way to read again. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { NoSignal } from "../ground/api";
import { hasSignal } from "../ground/live";

export interface Loaded<T> {
  value: T | null;
  error: unknown;
  reload: () => Promise<void>;
  set: (value: T) => void;
}

export function useLoaded<T>(read: () => Promise<T>, on: readonly unknown[]): Loaded<T> {
  const [value, setValue] = useState<T | null>(null);
  const [error, setError] = useState<unknown>(null);
  const turn = useRef(0);
  const reload = useCallback(async () => {
    const mine = (turn.current += 1);
    try {
      const fresh = await read();
      if (mine !== turn.current) return;
      setValue(() => fresh);
      setError(null);
    } catch (problem) {
      if (mine === turn.current) setError(problem);
    }
  }, on);
  useEffect(() => {
    void reload();
    return () => {
      turn.current += 1;
    };
  }, [reload]);
  const isAnswering = hasSignal.value;
  useEffect(() => {
    // What could not be read without signal is read when it is back.
    if (isAnswering && error instanceof NoSignal) void reload();
  }, [isAnswering]);
  return { value, error, reload, set: (fresh) => setValue(() => fresh) };
}

/** A moving now, for countdowns and for words like 今日. */
export function useNow(everyMilliseconds: number): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMilliseconds);
    return () => clearInterval(timer);
  }, [everyMilliseconds]);
  return now;
}
