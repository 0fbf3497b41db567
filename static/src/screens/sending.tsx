/** An urgent post that the server has not confirmed. After ten seconds: do not wait for it, telephone. */

import { useEffect, useState } from "preact/hooks";
import { take } from "../ground/database";
import { href } from "../ground/router";
import { speaker, term } from "../ground/words";
import texts from "../../../casenet/words/ja/screens_urgent.json";
import { Icon } from "../parts/icons";
import { useNow } from "../parts/loading";
import { LevelLabel } from "../parts/marks";
import { sentenceOfCode } from "../parts/problem";
import type { Level } from "../ground/shapes";
import { type AlertLetter, tryAgain, withdraw } from "../timeline/outbox";
import { groupLines } from "../timeline/groups";
import { PatientGuard } from "./group";
import { type ChainStep, ChainPerson } from "./chain";

const say = speaker(texts);
const RECEIPT_MILLISECONDS = 10_000;

export function Sending({ letter }: { letter: AlertLetter }) {
  const now = useNow(500);
  const patient = groupLines.value.find((line) => line.id === letter.group_id)?.patient;
  const signs = Array.isArray(letter.body["signs"]) ? letter.body["signs"].map((sign) => term("sign", String(sign))) : [];
  const [steps, setSteps] = useState<ChainStep[]>([]);
  useEffect(() => {
    void take<ChainStep[]>("cache", `chain:${letter.group_id}`).then((kept) => setSteps(kept ?? []));
  }, [letter.group_id]);
  const isLate = Boolean(letter.refused) || now - letter.written_at > RECEIPT_MILLISECONDS;
  const people = steps.flatMap((step) => step.people).filter((person) => person.tel);
  const first = people[0];
  return (
    <article class="page sending" aria-labelledby="sending-title">
      <h1 id="sending-title" tabIndex={-1}>
        {isLate ? say("not_arrived") : say("sending")}
      </h1>
      {patient && <PatientGuard patient={patient} word="guard.urgent" />}
      {!isLate && <progress class="sending-bar" aria-label={say("sending")} />}
      {isLate && (
        <div class="red-bar" role="alert">
          <p>
            <b>{letter.refused ? sentenceOfCode(letter.refused.code, letter.refused.status) : say("telephone_now")}</b>
            <br />
            {say("telephone_note")}
          </p>
          <a class="button is-danger is-wide is-huge" href={letter.body.level === "E4" || !first ? "tel:119" : telOf(first.tel)}>
            <Icon name="phone" />
            {letter.body.level === "E4" || !first ? say("call_119") : say("call_person", { name: first.name })}
          </a>
        </div>
      )}
      <section class="alert-what">
        <LevelLabel level={letter.body.level as Level} />
        {signs.length > 0 && <p>{signs.join(say("comma"))}</p>}
        <p class="post-text">{letter.body.situation}</p>
      </section>
      {isLate && people.slice(0, 4).map((person) => <ChainPerson key={person.id} person={person} />)}
      {letter.refused && (
        <div class="button-row">
          <button type="button" class="button" onClick={() => void tryAgain(letter.id)}>
            {say("again")}
          </button>
          <button
            type="button"
            class="button is-quiet"
            onClick={() => void withdraw(letter.id).then(() => location.replace(href("groups", letter.group_id)))}
          >
            {say("give_up")}
          </button>
        </div>
      )}
    </article>
  );
}

function telOf(number: string): string {
  return `tel:${number.replace(/[^\d+]/g, "")}`;
}
