/** Who said 了解 and who has read; and how a corrected post read before. */

import { get } from "../ground/api";
import type { Group, Revision } from "../ground/shapes";
import { saidTime } from "../ground/time";
import { say } from "../ground/words";
import { Dialog } from "../parts/dialog";
import { useLoaded } from "../parts/loading";
import { ProfessionMark, professionName } from "../parts/marks";
import { Trouble } from "../parts/problem";
import type { Log } from "../timeline/fold";
import type { PostView } from "../timeline/rows";

export type Asked = { type: "marks" | "history"; post: PostView };

export function PostDialog({ asked, log, group, onClose }: { asked: Asked; log: Log; group: Group; onClose: () => void }) {
  if (asked.type === "history") return <History post={asked.post} group={group} onClose={onClose} />;
  const { first, latest } = asked.post;
  const marks = log.marks.get(first.post_id) ?? [];
  const marked = new Set(marks.map((mark) => mark.person_id));
  const others = group.members.filter((member) => member.person_id !== first.author_id && !marked.has(member.person_id));
  return (
    <Dialog title={say("record.who_title")} onClose={onClose}>
      <h3>{say("record.who_acknowledged", { count: marks.length })}</h3>
      <ul class="people-list">
        {marks.map((mark) => {
          const person = log.people[mark.person_id] ?? group.members.find((member) => member.person_id === mark.person_id);
          return (
            <li key={mark.mark}>
              <ProfessionMark profession={person?.profession ?? ""} />
              <span class="row-main">
                <span class="row-title">{person?.name ?? ""}</span>
                <span class="row-note">{saidTime(mark.created_at)}</span>
              </span>
            </li>
          );
        })}
      </ul>
      <h3>{say("record.who_others")}</h3>
      <ul class="people-list">
        {others.map((member) => (
          <li key={member.person_id}>
            <ProfessionMark profession={member.profession} />
            <span class="row-main">
              <span class="row-title">{member.name}</span>
              <span class="row-note">
                {professionName(member.profession)}　{say(member.read_sequence >= latest.sequence ? "record.has_read" : "record.not_read")}
              </span>
            </span>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

function History({ post, group, onClose }: { post: PostView; group: Group; onClose: () => void }) {
  const path = `/groups/${group.id}/posts/${post.first.post_id}`;
  const loaded = useLoaded(() => get<{ revisions: Revision[] }>(path), [path]);
  const newest = [...(loaded.value?.revisions ?? [])].sort((a, b) => b.revision - a.revision);
  return (
    <Dialog title={say("record.history_title")} onClose={onClose}>
      <Trouble error={loaded.error} onRetry={() => void loaded.reload()} />
      {!loaded.value && !loaded.error && <div class="skeleton" />}
      <ol class="history">
        {newest.map((revision, place) => (
          <li key={revision.revision}>
            <p class="history-head">
              {say(place === 0 ? "record.history_now" : revision.revision === 1 ? "record.history_first" : "record.history_between")}
              <time>{saidTime(revision.created_at)}</time>
            </p>
            <p class="post-text">{revision.text}</p>
          </li>
        ))}
      </ol>
    </Dialog>
  );
}
