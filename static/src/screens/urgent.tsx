/** Asking for help now: what is seen, how urgent, one sentence, and who will be called, in order. */

import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "../ground/api";
import { drop, put, take } from "../ground/database";
import { newId } from "../ground/ids";
import { goInstead, href } from "../ground/router";
import type { Group, Level } from "../ground/shapes";
import { speaker, term } from "../ground/words";
import texts from "../../../casenet/words/ja/screens_urgent.json";
import { Icon } from "../parts/icons";
import { Skeleton } from "../parts/later";
import { useLoaded } from "../parts/loading";
import { LevelLabel } from "../parts/marks";
import { Trouble } from "../parts/problem";
import { loadGroup } from "../timeline/groups";
import { keep } from "../timeline/outbox";
import { type ChainStep, ChainList } from "./chain";
import { PatientGuard } from "./group";
import { LEVELS, SIGNS, suggestedLevel } from "./signs";

const say = speaker(texts);
const LINE_CHARACTERS_MAX = 1_000;

export function UrgentPage({ groupId }: { groupId: string }) {
  const group = useLoaded(() => loadGroup(groupId), [groupId]);
  if (group.error && !group.value) return <Trouble error={group.error} onRetry={() => void group.reload()} />;
  if (!group.value) return <Skeleton />;
  return <UrgentForm group={group.value} />;
}

interface Words {
  signs: string[];
  level: Level | null;
  situation: string;
  background: string;
  assessment: string;
  request: string;
}
const FIELDS = ["background", "assessment", "request"] as const;

function UrgentForm({ group }: { group: Group }) {
  const [words, setWords] = useUrgentDraft(group.id);
  const { signs, level: chosen } = words;
  const isSending = useRef(false);
  const [isMore, setIsMore] = useState(false);
  const hasMore = isMore || FIELDS.some((field) => words[field] !== "");
  const level = chosen ?? suggestedLevel(signs);
  const chain = useLoaded(() => readChain(group.id, level ?? "E3"), [group.id, level]);
  // Signs alone are enough to call: then the level says what is needed.
  const situation = words.situation.trim() || (level && signs.length > 0 ? say(`level_words_${level}`) : "");
  const toggle = (sign: string) =>
    setWords({ ...words, signs: signs.includes(sign) ? signs.filter((other) => other !== sign) : [...signs, sign] });

  async function submit(event: Event) {
    event.preventDefault();
    // Two taps are one call for help.
    if (isSending.current || !level || !situation) return;
    isSending.current = true;
    const id = newId();
    const body: Record<string, unknown> = { id, post_id: newId(), level, signs, situation };
    for (const field of FIELDS) if (words[field].trim()) body[field] = words[field].trim();
    await keep({
      type: "alert",
      id,
      group_id: group.id,
      written_at: Date.now(),
      body: body as { id: string; post_id: string; level: string; situation: string },
    });
    await drop("cache", `urgent:${group.id}`).catch(() => undefined);
    goInstead("alerts", id);
  }

  return (
    <form class="page urgent" onSubmit={(event) => void submit(event)}>
      <header class="urgent-head">
        <a class="icon-button" href={href("groups", group.id)} aria-label={say("back")}>
          <Icon name="back" />
        </a>
        <h1 tabIndex={-1}>{say("title")}</h1>
      </header>
      <PatientGuard patient={group.patient} word="guard.urgent" />
      <SignChoices signs={signs} onToggle={toggle} />
      <LevelChoice level={level} suggested={suggestedLevel(signs)} onChoose={(level) => setWords({ ...words, level })} />
      <section class="form" aria-labelledby="what-title">
        <h2 id="what-title">{say("what")}</h2>
        <Line
          label={say("situation")}
          note={say("situation_note")}
          value={words.situation}
          placeholder={situation}
          onInput={(value) => setWords({ ...words, situation: value })}
        />
        {hasMore ? (
          FIELDS.map((field) => (
            <Line
              key={field}
              label={say(field)}
              note={say(`${field}_note`)}
              value={words[field]}
              onInput={(value) => setWords({ ...words, [field]: value })}
            />
          ))
        ) : (
          <button type="button" class="button is-quiet" onClick={() => setIsMore(true)}>
            <Icon name="plus" />
            {say("more")}
          </button>
        )}
      </section>
      <section aria-labelledby="chain-title">
        <h2 id="chain-title">{say("chain")}</h2>
        {chain.error ? <Trouble error={say("chain_unknown")} /> : null}
        {chain.value?.every((step) => step.people.length === 0) && <Trouble error={say("nobody_at_all")} />}
        {chain.value && <ChainList steps={chain.value} />}
      </section>
      <div class="urgent-send">
        {level === "E4" ? <AmbulanceFirst /> : level && <LevelLabel level={level} />}
        <button type="submit" class="button is-danger is-wide" disabled={!level || !situation}>
          {level ? say("send", { name: group.patient.name }) : say("send_needs_level")}
        </button>
      </div>
    </form>
  );
}

/** Beside the send button, under the thumb: it appears without moving what the finger is on. */
function AmbulanceFirst() {
  return (
    <div class="ambulance" role="alert">
      <p>
        <b>{say("ambulance")}</b>
        <br />
        {say("ambulance_note")}
      </p>
      <a class="button is-danger is-wide is-huge" href="tel:119">
        <Icon name="phone" />
        {say("call_119")}
      </a>
    </div>
  );
}

function SignChoices({ signs, onToggle }: { signs: string[]; onToggle: (sign: string) => void }) {
  return (
    <section aria-labelledby="signs-title">
      <h2 id="signs-title">{say("signs")}</h2>
      {LEVELS.map((level) => (
        <div key={level} class={`signs is-${level}`} role="group" aria-label={term("level", level)}>
          <p class="signs-level">
            <LevelLabel level={level} />
          </p>
          {SIGNS[level].map((sign) => (
            <button key={sign} type="button" class="chip" aria-pressed={signs.includes(sign)} onClick={() => onToggle(sign)}>
              {term("sign", sign)}
            </button>
          ))}
        </div>
      ))}
    </section>
  );
}

interface LevelChoiceProps {
  level: Level | null;
  suggested: Level | null;
  onChoose: (level: Level) => void;
}

function LevelChoice({ level, suggested, onChoose }: LevelChoiceProps) {
  return (
    <fieldset class="levels">
      <legend>{say("level")}</legend>
      {LEVELS.map((name) => (
        <label key={name} class={`level-choice is-${name}`}>
          <input type="radio" name="level" checked={level === name} onChange={() => onChoose(name)} />
          <span class="level-choice-words">
            <LevelLabel level={name} />
            <span class="field-note">{say(`level_note_${name}`)}</span>
          </span>
          {suggested === name && <span class="suggested">{say("suggested")}</span>}
        </label>
      ))}
    </fieldset>
  );
}

interface LineProps {
  label: string;
  note: string;
  value: string;
  placeholder?: string;
  onInput: (value: string) => void;
}

function Line({ label, note, value, placeholder, onInput }: LineProps) {
  return (
    <label class="field">
      <span class="field-label">{label}</span>
      <span class="field-note">{note}</span>
      <textarea
        rows={2}
        maxLength={LINE_CHARACTERS_MAX}
        value={value}
        placeholder={placeholder}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </label>
  );
}

async function readChain(groupId: string, level: Level): Promise<ChainStep[]> {
  try {
    const { steps } = await get<{ steps: ChainStep[] }>(`/groups/${groupId}/chain?level=${level}`);
    await put("cache", `chain:${groupId}`, steps);
    return steps;
  } catch (error) {
    const kept = await take<ChainStep[]>("cache", `chain:${groupId}`);
    if (kept) return kept;
    throw error;
  }
}

function useUrgentDraft(groupId: string): [Words, (words: Words) => void] {
  const [words, setShown] = useState<Words>({ signs: [], level: null, situation: "", background: "", assessment: "", request: "" });
  useEffect(() => {
    void take<Words | null>("cache", `urgent:${groupId}`).then((kept) => kept && setShown((now) => ({ ...now, ...kept })));
  }, [groupId]);
  return [
    words,
    (fresh) => {
      setShown(fresh);
      void put("cache", `urgent:${groupId}`, fresh);
    },
  ];
}
