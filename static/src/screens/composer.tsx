/** Writing: one field, a kind, ready phrases. Whose record it is and who will read stand right above 送る. */

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { newId } from "../ground/ids";
import { href } from "../ground/router";
import { me } from "../ground/session";
import type { Group, Kind } from "../ground/shapes";
import { say, term } from "../ground/words";
import { Dialog } from "../parts/dialog";
import { Icon } from "../parts/icons";
import { professionName } from "../parts/marks";
import type { Log } from "../timeline/fold";
import { keep } from "../timeline/outbox";
import type { PostView } from "../timeline/rows";
import { PatientGuard } from "./group";
import { phrasesFor } from "./phrases";
import { useCorrection, useDraft } from "./use_draft";

/** As many as the server takes. */
const TEXT_CHARACTERS_MAX = 10_000;
const KINDS: Kind[] = ["report", "question", "instruction"];

interface ComposerProps {
  group: Group;
  log: Log;
  found: Map<string, PostView>;
  /** What the person has just asked for beside a post; null when it is dealt with. */
  asked: ComposerAsk | null;
  onSent: () => void;
}

export interface ComposerAsk {
  type: "reply" | "correct";
  post: PostView;
}

export function Composer({ group, log, found, asked, onSent }: ComposerProps) {
  const permissions = group.my.permissions;
  const { draft, setDraft, isLoaded, clear } = useDraft(group.id);
  const { correction, correct, stopCorrecting } = useCorrection(group.id);
  const [isOpen, setIsOpen] = useState(false);
  const [hasPhrases, setHasPhrases] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const isSending = useRef(false);
  const correcting = correction ? (found.get(correction.post_id) ?? null) : null;
  const replyTo = draft.reply_to ? found.get(draft.reply_to) : undefined;
  useEffect(() => {
    if (!asked) return;
    const post_id = asked.post.first.post_id;
    if (asked.type === "reply") {
      stopCorrecting();
      setDraft({ ...draft, reply_to: post_id });
    } else if (correction?.post_id !== post_id) {
      correct({ post_id, text: asked.post.latest.text ?? "" });
    }
    setIsOpen(true);
  }, [asked]);
  useLayoutEffect(() => {
    // Within the tap itself: later, a phone would not show its keyboard.
    if (isOpen) field.current?.focus();
  }, [isOpen, asked]);
  useEffect(() => {
    // The phone was turned, or its keyboard came: what is being written stays before the eyes.
    const follow = () => document.activeElement === field.current && field.current?.scrollIntoView({ block: "nearest" });
    window.addEventListener("resize", follow);
    return () => window.removeEventListener("resize", follow);
  }, []);
  useEffect(() => {
    if (correcting) setIsOpen(true);
  }, [correcting === null]);
  useEffect(() => {
    if (isLoaded && draft.text) setIsOpen(true);
  }, [isLoaded]);
  if (!permissions.includes("post")) return <p class="composer is-closed">{say("composer.read_only")}</p>;

  const text = correcting ? (correction?.text ?? "") : draft.text;
  const setText = (fresh: string) =>
    correcting ? correct({ post_id: correcting.first.post_id, text: fresh }) : setDraft({ ...draft, text: fresh });

  async function submit(event: Event) {
    event.preventDefault();
    const words = text.trim();
    // Two taps are one wish.
    if (isSending.current || !words || words.length > TEXT_CHARACTERS_MAX) return;
    isSending.current = true;
    try {
      await hand(words);
    } finally {
      isSending.current = false;
    }
    setIsOpen(false);
    onSent();
  }

  async function hand(words: string) {
    const base = { id: newId(), group_id: group.id, written_at: Date.now() };
    if (correcting) {
      const body = { revision: correcting.latest.revision + 1, text: words };
      await keep({ ...base, type: "revision", post_id: correcting.first.post_id, body });
      stopCorrecting();
    } else {
      const reply = draft.reply_to ? { reply_to: draft.reply_to } : {};
      await keep({ ...base, type: "post", body: { id: base.id, kind: draft.kind, text: words, ...reply } });
      await clear();
    }
  }

  function close() {
    // Words stay for the next time, an intention without words does not.
    if (correcting && text === correcting.latest.text) stopCorrecting();
    if (!correcting && text.trim() === "") setDraft({ text: "", kind: draft.kind });
    setIsOpen(false);
  }

  if (!isOpen) return <ClosedComposer group={group} hasDraft={correcting !== null || draft.text.trim() !== ""} onOpen={() => setIsOpen(true)} />;
  return (
    <form class="composer is-open" onSubmit={(event) => void submit(event)} aria-label={say("composer.label")}>
      <div class="composer-top">
        <PatientGuard patient={group.patient} word={correcting ? "composer.guard_correct" : "composer.guard"} />
        <button type="button" class="icon-button" aria-label={say("composer.close")} onClick={close}>
          <Icon name="close" />
        </button>
      </div>
      {!correcting && draft.reply_to && (
        <ReplyLine post={replyTo} log={log} onDrop={() => setDraft({ text: draft.text, kind: draft.kind })} />
      )}
      {correcting && (
        <button type="button" class="text-button" onClick={() => stopCorrecting()}>
          {say("composer.stop_correcting")}
        </button>
      )}
      {!correcting && (
        <div class="composer-tools">
          <div class="kinds" role="radiogroup" aria-label={say("composer.kind")}>
            {KINDS.filter((kind) => kind !== "instruction" || permissions.includes("instruct")).map((kind) => (
              <label key={kind} class="kind-choice">
                <input type="radio" name="kind" checked={draft.kind === kind} onChange={() => setDraft({ ...draft, kind })} />
                <span>{term("kind", kind)}</span>
              </label>
            ))}
          </div>
          <button type="button" class="chip" onClick={() => setHasPhrases(true)}>
            <Icon name="phrase" />
            {say("composer.phrases")}
          </button>
        </div>
      )}
      <label class="composer-field">
        <span class="hidden">{say("composer.field")}</span>
        <textarea
          ref={field}
          value={text}
          rows={4}
          maxLength={TEXT_CHARACTERS_MAX}
          placeholder={say("composer.field")}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void submit(event);
            if (event.key === "Escape") close();
          }}
        />
      </label>
      {text.length >= TEXT_CHARACTERS_MAX && (
        <p class="field-fault" role="status">
          {say("composer.full")}
        </p>
      )}
      <div class="composer-foot">
        <Readers group={group} />
        <button type="submit" class="button is-main" disabled={text.trim() === ""}>
          <Icon name="send" />
          {correcting ? say("composer.send_correction") : say("composer.send")}
        </button>
      </div>
      {hasPhrases && (
        <Phrases
          onClose={() => setHasPhrases(false)}
          onPick={(phrase) => {
            setText(text ? `${text.trimEnd()}\n${phrase}` : phrase);
            setHasPhrases(false);
            field.current?.focus();
          }}
        />
      )}
    </form>
  );
}

function ClosedComposer({ group, hasDraft, onOpen }: { group: Group; hasDraft: boolean; onOpen: () => void }) {
  return (
    <div class="composer is-closed-bar">
      <button type="button" class="composer-opener" onClick={onOpen}>
        <Icon name="pencil" />
        {hasDraft ? say("composer.draft") : say("composer.open")}
      </button>
      {group.my.permissions.includes("raise") && (
        <a class="urgent-button" href={href("groups", group.id, "urgent")}>
          <Icon name="warning" />
          {term("kind", "urgent")}
        </a>
      )}
    </div>
  );
}

function ReplyLine({ post, log, onDrop }: { post: PostView | undefined; log: Log; onDrop: () => void }) {
  const name = log.people[post?.first.author_id ?? ""]?.name ?? "";
  return (
    <div class="reply-line">
      <Icon name="reply" />
      <span class="quote-line">
        {post ? (
          <>
            <b>{say("composer.reply_to", { name })}</b>　{(post.latest.text ?? "").slice(0, 80)}
          </>
        ) : (
          say("record.quote_older")
        )}
      </span>
      <button type="button" class="text-button" onClick={onDrop}>
        {say("composer.no_reply")}
      </button>
    </div>
  );
}

function Readers({ group }: { group: Group }) {
  const sentence = useMemo(() => {
    const others = group.members.filter((member) => member.person_id !== me.value?.person.id);
    const counts = new Map<string, number>();
    for (const member of others) counts.set(member.profession, (counts.get(member.profession) ?? 0) + 1);
    const list = [...counts].map(([profession, count]) => `${professionName(profession)}${count}`).join(say("composer.dot"));
    return say("composer.readers", { count: others.length, list });
  }, [group]);
  return <p class="readers">{sentence}</p>;
}

function Phrases({ onPick, onClose }: { onPick: (phrase: string) => void; onClose: () => void }) {
  return (
    <Dialog title={say("composer.phrases")} onClose={onClose}>
      <ul class="rows">
        {phrasesFor(me.value?.person.profession ?? "").map((phrase) => (
          <li key={phrase}>
            <button type="button" class="row-button" onClick={() => onPick(phrase)}>
              {phrase}
            </button>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
