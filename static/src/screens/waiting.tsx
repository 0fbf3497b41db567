/** What was written here and is not on the server yet, under the record: waiting, or refused with the reason. */

import type { Group } from "../ground/shapes";
import { saidTime } from "../ground/time";
import { say } from "../ground/words";
import { Icon } from "../parts/icons";
import { KindLabel } from "../parts/marks";
import { sentenceOfCode } from "../parts/problem";
import { type Letter, tryAgain, withdraw } from "../timeline/outbox";
import { saveDraft } from "../timeline/drafts";
import type { Kind } from "../ground/shapes";

export function WaitingLetters({ letters, group }: { letters: readonly Letter[]; group: Group }) {
  return (
    <>
      {letters.map((letter) => (
        <WaitingLetter key={letter.id} letter={letter} group={group} />
      ))}
    </>
  );
}

function words(letter: Letter): { kind: Kind; text: string } {
  switch (letter.type) {
    case "post":
      return { kind: letter.body.kind as Kind, text: letter.body.text };
    case "revision":
      return { kind: "report", text: letter.body.text };
    case "alert":
      return { kind: "urgent", text: letter.body.situation };
    case "mark":
      return { kind: "report", text: "" };
  }
}

function WaitingLetter({ letter, group }: { letter: Letter; group: Group }) {
  const { kind, text } = words(letter);
  async function rewrite() {
    await saveDraft(group.id, { text, kind: kind === "urgent" ? "report" : kind });
    await withdraw(letter.id);
  }
  return (
    <article class={`post is-waiting ${letter.refused ? "is-refused" : ""}`}>
      <header class="post-head">
        <p class="waiting-sign" role="status">
          <Icon name={letter.refused ? "warning" : "clock"} />
          {say(letter.refused ? "outbox.refused" : letter.type === "revision" ? "outbox.waiting_revision" : "outbox.waiting")}
        </p>
        <div class="post-when">
          <KindLabel kind={kind} />
          <time class="post-time">{saidTime(letter.written_at)}</time>
        </div>
      </header>
      <p class="post-text">{text}</p>
      {letter.refused && (
        <>
          <p class="refused-reason">{sentenceOfCode(letter.refused.code, letter.refused.status)}</p>
          <p class="field-note">{say("outbox.kept")}</p>
          <footer class="post-foot">
            <button type="button" class="button" onClick={() => void tryAgain(letter.id)}>
              {say("outbox.again")}
            </button>
            {letter.type !== "alert" && (
              <button type="button" class="button" onClick={() => void rewrite()}>
                {say("outbox.rewrite")}
              </button>
            )}
            <button type="button" class="button is-quiet" onClick={() => void withdraw(letter.id)}>
              {say("outbox.drop")}
            </button>
          </footer>
        </>
      )}
    </article>
  );
}
