/** Saying what happened, what was kept and what to do now. */

import { NoSignal, Problem } from "../ground/api";
import { say, term } from "../ground/words";
import { Icon } from "./icons";

export function sentenceOf(error: unknown): string {
  if (error instanceof NoSignal) return say("problem.no_signal");
  if (!(error instanceof Problem)) return say("problem.unknown");
  const wait = error.facts["retry_after_seconds"];
  if (error.code === "busy" && typeof wait === "number") return say("problem.busy_wait", { count: Math.ceil(wait) });
  if (error.status === 429 && typeof wait === "number") return say("problem.wait", { count: Math.ceil(wait) });
  return sentenceOfCode(error.code, error.status);
}

/** The catalogue's sentence for the code; without one, what the status means. */
export function sentenceOfCode(code: string, status: number): string {
  const sentence = term("problem", code);
  if (sentence !== code && code) return sentence;
  if (status >= 500) return say("problem.server");
  if (status === 404) return say("problem.not-found");
  if (status === 403) return say("problem.not-allowed");
  if (status === 409 || status === 412) return say("problem.conflict");
  if (status === 422 || status === 400) return say("problem.invalid");
  if (status === 429) return say("problem.too-many");
  return say("problem.unknown");
}

export function Trouble({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  if (!error) return null;
  return (
    <div class="trouble" role="alert">
      <Icon name="warning" />
      <p>{typeof error === "string" ? error : onRetry && error instanceof NoSignal ? say("problem.no_signal_read") : sentenceOf(error)}</p>
      {onRetry && (
        <button type="button" class="button is-quiet" onClick={onRetry}>
          {say("action.retry")}
        </button>
      )}
    </div>
  );
}
