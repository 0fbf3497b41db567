/** One row of the record: a post as somebody wrote it, or what the system noted. A record, not a chat. */

import { useState } from "preact/hooks";
import { newId } from "../ground/ids";
import { me } from "../ground/session";
import type { Group, Mark } from "../ground/shapes";
import { clock, saidTime } from "../ground/time";
import { say } from "../ground/words";
import { Icon } from "../parts/icons";
import { KindLabel, ProfessionMark, professionName } from "../parts/marks";
import type { Log } from "../timeline/fold";
import { noticeSentence } from "../timeline/notices";
import { keep, letters } from "../timeline/outbox";
import type { PostView, Row } from "../timeline/rows";
import type { Asked } from "./post_dialog";

/** A longer post is folded, so that one of them does not fill three screens. */
const FOLD_CHARACTERS = 400;
const QUOTE_CHARACTERS = 60;

interface RowProps {
  row: Row;
  place: number;
  count: number;
  log: Log;
  found: Map<string, PostView>;
  group: Group;
  now: number;
  onAsk: (asked: Asked) => void;
  onReply: (post: PostView) => void;
  onCorrect: (post: PostView) => void;
  onJump: (key: string) => void;
}

export function RecordRow(props: RowProps) {
  const { row, log, now } = props;
  switch (row.type) {
    case "day":
      return <h2 class="day-row">{row.day}</h2>;
    case "divider":
      return (
        <p class="divider-row">
          <span>{say("record.divider", { count: row.count })}</span>
        </p>
      );
    case "notice":
      return (
        <p class="notice-row">
          <Icon name="clock" />
          <span>
            <time>{clock(row.revision.created_at)}</time> {noticeSentence(row.notice, (id) => nameOf(id, log, props.group))}
          </span>
        </p>
      );
    case "correction":
      return <CorrectionRow {...props} row={row} />;
    case "post":
      return <PostRow {...props} post={row.post} now={now} />;
  }
}

function nameOf(id: string, log: Log, group: Group): string {
  return log.people[id]?.name ?? group.members.find((member) => member.person_id === id)?.name ?? "";
}

function CorrectionRow({ row, log, now, onJump }: RowProps & { row: Extract<Row, { type: "correction" }> }) {
  const author = log.people[row.revision.author_id ?? ""]?.name ?? "";
  const of = row.of;
  const facts = { name: author, time: of ? saidTime(of.first.created_at, now) : "" };
  return (
    <p class="notice-row">
      <Icon name="pencil" />
      <span>
        <time>{clock(row.revision.created_at)}</time> {say(of ? "record.corrected" : "record.corrected_older", facts)}
        {of && (
          <button type="button" class="link-button" onClick={() => onJump(`${of.first.post_id}/1`)}>
            {say("record.look")}
          </button>
        )}
      </span>
    </p>
  );
}

function PostRow({ post, place, count, log, found, group, now, onAsk, onReply, onCorrect, onJump }: RowProps & { post: PostView }) {
  const { first, latest } = post;
  const author = log.people[first.author_id ?? ""];
  const isMine = first.author_id === me.value?.person.id;
  const titleId = `post-${first.post_id}`;
  return (
    <article class={`post is-${first.kind}`} aria-labelledby={titleId} aria-posinset={place + 1} aria-setsize={count} tabIndex={0}>
      <header class="post-head">
        <ProfessionMark profession={author?.profession ?? ""} />
        <div class="post-who">
          <span class="post-names" id={titleId}>
            <span class="post-profession">{professionName(author?.profession)}</span>
            <span class="post-name">{author?.name ?? say("record.unknown_author")}</span>
          </span>
          <span class="post-office">{author?.facility_name}</span>
        </div>
        <div class="post-when">
          <KindLabel kind={first.kind} />
          <time class="post-time" dateTime={first.created_at}>
            {clock(first.created_at)}
          </time>
        </div>
      </header>
      {first.reply_to && <Quote post={found.get(first.reply_to)} log={log} onJump={onJump} />}
      <PostText text={latest.text ?? ""} />
      <footer class="post-foot">
        <Acknowledge post={post} marks={log.marks.get(first.post_id) ?? []} group={group} isMine={isMine} log={log} onAsk={onAsk} />
        <span class="post-tools">
          {latest.revision > 1 && (
            <button type="button" class="text-button" onClick={() => onAsk({ type: "history", post })}>
              {say("record.has_history")}
            </button>
          )}
          {isMine && group.my.permissions.includes("post") && (
            <button type="button" class="text-button" onClick={() => onCorrect(post)}>
              {say("record.correct")}
            </button>
          )}
          {group.my.permissions.includes("post") && (
            <button type="button" class="text-button" onClick={() => onReply(post)}>
              {say("record.reply")}
            </button>
          )}
          <ReadCount post={post} group={group} onAsk={onAsk} />
        </span>
      </footer>
      <span class="hidden">{saidTime(first.created_at, now)}</span>
    </article>
  );
}

function Quote({ post, log, onJump }: { post: PostView | undefined; log: Log; onJump: (key: string) => void }) {
  if (!post) return <p class="quote">{say("record.quote_older")}</p>;
  const author = log.people[post.first.author_id ?? ""]?.name ?? "";
  const line = (post.latest.text ?? "").replace(/\s+/g, " ").slice(0, QUOTE_CHARACTERS);
  return (
    <button type="button" class="quote" onClick={() => onJump(`${post.first.post_id}/1`)}>
      <Icon name="reply" />
      <span class="quote-line">
        <b>{author}</b>　{line}
      </span>
    </button>
  );
}

function PostText({ text }: { text: string }) {
  const [isOpen, setIsOpen] = useState(false);
  const isLong = text.length > FOLD_CHARACTERS;
  return (
    <>
      <p class={`post-text ${isLong && !isOpen ? "is-folded" : ""}`}>{text}</p>
      {isLong && (
        <button type="button" class="text-button" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
          {isOpen ? say("record.fold") : say("record.unfold", { count: text.length })}
        </button>
      )}
    </>
  );
}

interface AcknowledgeProps {
  post: PostView;
  marks: readonly Mark[];
  group: Group;
  isMine: boolean;
  log: Log;
  onAsk: (asked: Asked) => void;
}

function Acknowledge({ post, marks, group, isMine, log, onAsk }: AcknowledgeProps) {
  const own = me.value?.person.id ?? "";
  const postId = post.first.post_id;
  const isOnItsWay = letters.value.some((letter) => letter.type === "mark" && letter.post_id === postId && !letter.refused);
  const isDone = isOnItsWay || marks.some((mark) => mark.person_id === own);
  const names = marks.slice(0, 2).map((mark) => surname(mark.person_id === own ? me.value?.person.name : log.people[mark.person_id]?.name));
  const acknowledge = () =>
    void keep({ type: "mark", id: newId(), group_id: group.id, post_id: postId, written_at: Date.now() });
  return (
    <span class="acknowledge">
      {!isMine && (
        <button type="button" class="acknowledge-button" aria-pressed={isDone} disabled={isDone} onClick={acknowledge}>
          <Icon name="check" />
          {isDone ? say("record.acknowledged") : say("record.acknowledge")}
        </button>
      )}
      {marks.length > 0 && (
        <button type="button" class="text-button" onClick={() => onAsk({ type: "marks", post })}>
          {say(marks.length > 2 ? "record.acknowledged_more" : "record.acknowledged_by", {
            names: names.join(say("record.and")),
            count: marks.length - 2,
          })}
        </button>
      )}
    </span>
  );
}

function surname(name: string | undefined): string {
  return (name ?? "").split(/[\s　]/)[0] ?? "";
}

function ReadCount({ post, group, onAsk }: { post: PostView; group: Group; onAsk: (asked: Asked) => void }) {
  const readers = group.members.filter(
    (member) => member.person_id !== post.first.author_id && member.read_sequence >= post.latest.sequence,
  );
  if (readers.length === 0) return null;
  return (
    <button type="button" class="text-button is-faint" onClick={() => onAsk({ type: "marks", post })}>
      {say("record.read_count", { count: readers.length })}
    </button>
  );
}
