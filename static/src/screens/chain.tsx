/** Who is called, in which order: before an alert as a plan, during it as a ladder. */

import type { StepPerson } from "../ground/shapes";
import { speaker, term } from "../ground/words";
import texts from "../../../casenet/words/ja/screens_urgent.json";
import { Icon } from "../parts/icons";
import { ProfessionMark, professionName } from "../parts/marks";

const say = speaker(texts);

export interface ChainStep {
  n: number;
  target: string;
  people: StepPerson[];
  wait_seconds: number;
}

export function ChainList({ steps }: { steps: ChainStep[] }) {
  return (
    <ol class="chain">
      {steps.map((step) => (
        <li key={step.n} class="chain-step">
          <p class="chain-target">
            {targetWord(step.target)}
            <span class="chain-wait">{say("wait", { count: Math.round(step.wait_seconds / 60) })}</span>
          </p>
          {step.people.length === 0 && <p class="chain-empty">{say("nobody")}</p>}
          {step.people.map((person) => (
            <ChainPerson key={person.id} person={person} />
          ))}
        </li>
      ))}
    </ol>
  );
}

export function ChainPerson({ person }: { person: StepPerson }) {
  return (
    <p class="chain-person">
      <ProfessionMark profession={person.profession} />
      <span class="row-main">
        <span class="row-title">
          <span class="post-profession">{professionName(person.profession)}</span>
          {person.name}
        </span>
        <span class="row-note">{person.facility_name}</span>
      </span>
      {person.tel && (
        <a class="icon-button" href={`tel:${person.tel.replace(/[^\d+]/g, "")}`} aria-label={say("call_person", { name: person.name })}>
          <Icon name="phone" />
        </a>
      )}
    </p>
  );
}

export function targetWord(target: string): string {
  return term("target", target);
}
