/** The live ladder: who was called, how, when; what is next, and in how long. */

import type { Alert, AlertEvent, AlertStep } from "../ground/shapes";
import { clock, span } from "../ground/time";
import { speaker, term } from "../ground/words";
import texts from "../../../casenet/words/ja/screens_urgent.json";
import { useNow } from "../parts/loading";
import { isOpen } from "../timeline/alerts";
import { ChainPerson, targetWord } from "./chain";

const say = speaker(texts);

export function Ladder({ alert }: { alert: Alert }) {
  return (
    <section aria-labelledby="ladder-title">
      <h2 id="ladder-title">{say("ladder")}</h2>
      {isOpen(alert) && alert.next_step_at && <NextStep alert={alert} at={alert.next_step_at} />}
      <ol class="chain">
        {alert.steps.map((step) => (
          <LadderStep key={step.n} step={step} isOver={!isOpen(alert)} />
        ))}
      </ol>
      <h2>{say("events")}</h2>
      <ol class="events">
        {[...alert.events].reverse().map((event) => (
          <li key={event.n}>
            <time>{clock(event.at)}</time>
            <span>{eventSentence(event, alert)}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function NextStep({ alert, at }: { alert: Alert; at: string }) {
  const now = useNow(1_000);
  const left = new Date(at).getTime() - now;
  const next = alert.steps.find((step) => step.state === "waiting");
  const isAnswered = alert.state !== "open";
  const sentence = isAnswered
    ? say("next_answer", { time: span(left) })
    : next
      ? say("next_step", { time: span(left), target: targetWord(next.target) })
      : say("next_round", { time: span(left) });
  return <p class="next-step">{left > 0 ? sentence : say("next_now")}</p>;
}

function LadderStep({ step, isOver }: { step: AlertStep; isOver: boolean }) {
  // Once it is over, nobody is called any more.
  const word = isOver && step.state === "waiting" ? say("step_not_called") : term("step", step.state);
  return (
    <li class={`chain-step is-${step.state}`} aria-current={step.state === "running" ? "step" : undefined}>
      <p class="chain-target">
        {targetWord(step.target)}
        <span class={`step-state is-${step.state}`}>{word}</span>
        {step.started_at && <time class="chain-wait">{clock(step.started_at)}</time>}
      </p>
      {step.people.length === 0 && <p class="chain-empty">{say("nobody")}</p>}
      {step.people.map((person) => (
        <ChainPerson key={person.id} person={person} />
      ))}
    </li>
  );
}

function eventSentence(event: AlertEvent, alert: Alert): string {
  const step = event.step === null ? undefined : alert.steps.find((other) => other.n === event.step);
  const who = personName(event.person_id, alert) || (step ? targetWord(step.target) : "");
  const how = event.channel ? say("by_channel", { channel: term("channel", event.channel) }) : "";
  return say("event", { who: who ? say("event_who", { who }) : "", how, what: term("event", event.kind) });
}

function personName(id: string | null, alert: Alert): string {
  if (!id) return "";
  const inSteps = alert.steps.flatMap((step) => step.people).find((person) => person.id === id);
  return alert.people[id]?.name ?? inSteps?.name ?? "";
}
