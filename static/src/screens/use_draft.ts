/** What is being written in a group, shown and kept with every key. */

import { useEffect, useRef, useState } from "preact/hooks";
import {
  type Correction,
  type Draft,
  draftPut,
  keepCorrection,
  keepDraft,
  loadCorrection,
  loadDraft,
} from "../timeline/drafts";

const SAVE_AFTER_MILLISECONDS = 300;

/** The correction that is being written; it comes back as it was after anything. */
export function useCorrection(groupId: string) {
  const [correction, setCorrection] = useState<Correction | null>(null);
  useEffect(() => {
    void loadCorrection(groupId).then((kept) => kept && setCorrection((now) => now ?? kept));
  }, [groupId]);
  const correct = (fresh: Correction | null) => {
    setCorrection(fresh);
    void keepCorrection(groupId, fresh).catch(() => undefined);
  };
  return { correction, correct, stopCorrecting: () => correction && correct(null) };
}

/** The draft of this group: what was kept, then what is typed, written down shortly after each key. */
export function useDraft(groupId: string) {
  const empty: Draft = { text: "", kind: "report" };
  const [draft, setShown] = useState<Draft>(empty);
  const [isLoaded, setIsLoaded] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const newest = useRef(draft);
  const putCount = draftPut.value.group_id === groupId ? draftPut.value.count : 0;
  useEffect(() => {
    void loadDraft(groupId).then((kept) => {
      // What was put here from outside holds what was typed before.
      if (kept && (putCount > 0 || newest.current.text === "")) setShown((newest.current = kept));
      setIsLoaded(true);
    });
  }, [groupId, putCount]);
  newest.current = draft;
  useEffect(() => {
    const saveNow = () => void keepDraft(groupId, newest.current);
    window.addEventListener("pagehide", saveNow);
    return () => {
      window.removeEventListener("pagehide", saveNow);
      clearTimeout(timer.current);
      saveNow();
    };
  }, [groupId]);
  const setDraft = (fresh: Draft) => {
    setShown(fresh);
    newest.current = fresh;
    clearTimeout(timer.current);
    timer.current = setTimeout(() => void keepDraft(groupId, fresh), SAVE_AFTER_MILLISECONDS);
  };
  const clear = async () => {
    clearTimeout(timer.current);
    newest.current = empty;
    setShown(empty);
    await keepDraft(groupId, empty);
  };
  return { draft, setDraft, isLoaded, clear };
}
