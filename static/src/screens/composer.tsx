/** Writing: one field, a kind, ready phrases. Whose record it is and who will read stand right above 送る. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { newId } from "../ground/ids";
import { href } from "../ground/router";
import { me } from "../ground/session";
import type { Group, Kind } from "../ground/shapes";
import { say, term } from "../ground/words";
import { Dialog } from "../parts/dialog";
import { Icon } from "../parts/icons";
import { professionName } from "../parts/marks";
import type { Log } from "../timeline/fold";
import { type Draft, draftPut, keepDraft, loadDraft } from "../timeline/drafts";
import { keep } from "../timeline/outbox";
import type { PostView } from "../timeline/rows";
import { PatientGuard } from "./group";
import { phrasesFor } from "./phrases";

const SAVE_AFTER_MILLISECONDS = 300;
/** As many as the server takes. */
const TEXT_CHARACTERS_MAX = 10_000;
const KINDS: Kind[] = ["report", "question", "instruction"];

interface ComposerProps {
  group: Group;
  log: Log;
  replyTo: PostView | null;
  correcting: PostView | null;
  onDone: () => void;
  onCancel: () => void;
}

export function Composer({ group, log, replyTo, correcting, onDone, onCancel }: ComposerProps) {
  const permissions = group.my.permissions;
  const { draft, setDraft, isLoaded, clear } = useDraft(group.id);
  const [isOpen, setIsOpen] = useState(false);
  const [hasPhrases, setHasPhrases] = useState(false);
  const [corrected, setCorrected] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (correcting) setCorrected(correcting.latest.text ?? "");
    if (correcting || replyTo) setIsOpen(true);
  }, [correcting, replyTo]);
  useEffect(() => {
    if (isOpen) field.current?.focus();
  }, [isOpen, correcting, replyTo]);
  useEffect(() => {
    if (isLoaded && draft.text) setIsOpen(true);
  }, [isLoaded]);
  if (!permissions.includes("post")) return <p class="composer is-closed">{say("composer.read_only")}</p>;

  const text = correcting ? corrected : draft.text;
  const setText = (fresh: string) => (correcting ? setCorrected(fresh) : setDraft({ ...draft, text: fresh }));

  async function submit(event: Event) {
    event.preventDefault();
    const words = text.trim();
    if (!words || words.length > TEXT_CHARACTERS_MAX) return;
    const base = { id: newId(), group_id: group.id, written_at: Date.now() };
    if (correcting) {
      const body = { revision: correcting.latest.revision + 1, text: words };
      await keep({ ...base, type: "revision", post_id: correcting.first.post_id, body });
    } else {
      const reply = replyTo ? { reply_to: replyTo.first.post_id } : {};
      await keep({ ...base, type: "post", body: { id: base.id, kind: draft.kind, text: words, ...reply } });
      await clear();
    }
    setIsOpen(false);
    onDone();
  }

  function cancel() {
    onCancel();
    setIsOpen(false);
  }

  if (!isOpen) return <ClosedComposer group={group} hasDraft={draft.text !== ""} onOpen={() => setIsOpen(true)} />;
  return (
    <form class="composer is-open" onSubmit={(event) => void submit(event)} aria-label={say("composer.label")}>
      <div class="composer-top">
        <PatientGuard patient={group.patient} word={correcting ? "composer.guard_correct" : "composer.guard"} />
        <button type="button" class="icon-button" aria-label={say("composer.close")} onClick={cancel}>
          <Icon name="close" />
        </button>
      </div>
      {replyTo && <ReplyLine post={replyTo} log={log} />}
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
            if (event.key === "Escape") cancel();
          }}
        />
      </label>
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

function ReplyLine({ post, log }: { post: PostView; log: Log }) {
  const name = log.people[post.first.author_id ?? ""]?.name ?? "";
  return (
    <p class="reply-line">
      <Icon name="reply" />
      <span class="quote-line">
        <b>{say("composer.reply_to", { name })}</b>　{(post.latest.text ?? "").slice(0, 80)}
      </span>
    </p>
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

/** The draft of this group: what was kept, then what is typed, written down shortly after each key. */
function useDraft(groupId: string) {
  const empty: Draft = { text: "", kind: "report" };
  const [draft, setShown] = useState<Draft>(empty);
  const [isLoaded, setIsLoaded] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const newest = useRef(draft);
  const putCount = draftPut.value.group_id === groupId ? draftPut.value.count : 0;
  useEffect(() => {
    void loadDraft(groupId).then((kept) => {
      if (kept && newest.current.text === "") setShown(kept);
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
