/** The patients: who has news, the last line and who wrote it; found by name or kana. */

import { useMemo, useState } from "preact/hooks";
import { href } from "../ground/router";
import { me } from "../ground/session";
import type { GroupLine } from "../ground/shapes";
import { shortTime } from "../ground/time";
import { say } from "../ground/words";
import { Icon } from "../parts/icons";
import { useNow } from "../parts/loading";
import { ageAndSex, CountBadge, KindLabel } from "../parts/marks";
import { alertLines, isOpen as isAlertOpen } from "../timeline/alerts";
import { noticeSentence } from "../timeline/notices";
import { groupLines, groupsState, inOrder } from "../timeline/groups";
import { Lamp } from "./lamp";

type Filter = "all" | "unread" | "awaiting";
const FILTERS = ["all", "unread", "awaiting"] as const;
const MAY_FOUND = ["physician", "dentist", "nurse", "public_health_nurse", "care_manager"];

export function GroupsList({ openId }: { openId: string | null }) {
  const [search, setSearch] = useState("");
  const [filter, setFilter] = useState<Filter>("all");
  const lines = groupLines.value;
  const alerts = alertLines.value;
  const shown = useMemo(() => {
    const urgent = new Set(alerts.filter(isAlertOpen).map((alert) => alert.group_id));
    return inOrder(lines, urgent).filter((line) => matches(line, search, filter));
  }, [lines, alerts, search, filter]);
  const now = useNow(60_000);
  const mayFound = MAY_FOUND.includes(me.value?.person.profession ?? "");
  return (
    <section class="groups-list" aria-labelledby="groups-title">
      <header class="page-head">
        <h1 id="groups-title" tabIndex={-1}>
          {say("groups.title")}
        </h1>
        {mayFound && (
          <a class="icon-button" href={href("groups", "new")} aria-label={say("groups.new")}>
            <Icon name="plus" />
          </a>
        )}
      </header>
      <Lamp />
      <label class="search">
        <span class="hidden">{say("groups.search")}</span>
        <Icon name="search" />
        <input
          type="search"
          value={search}
          placeholder={say("groups.search")}
          autocomplete="off"
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
      </label>
      <div class="filters" role="group" aria-label={say("groups.filter")}>
        {FILTERS.map((name) => (
          <button key={name} type="button" class="chip" aria-pressed={filter === name} onClick={() => setFilter(name)}>
            {say(`groups.filter_${name}`)}
          </button>
        ))}
      </div>
      {groupsState.value === "new" ? (
        <GroupSkeletons />
      ) : (
        <ul class="rows">
          {shown.map((line) => (
            <li key={line.id}>
              <GroupRow line={line} isOpen={line.id === openId} now={now} />
            </li>
          ))}
        </ul>
      )}
      {groupsState.value === "ready" && lines.length > 0 && shown.length === 0 && <p class="empty">{say("groups.none_match")}</p>}
      {groupsState.value === "ready" && lines.length === 0 && (
        <div class="empty">
          <p>{say("groups.none")}</p>
          <p class="field-note">{say("groups.none_note")}</p>
          {mayFound && <p class="field-note">{say("groups.none_found")}</p>}
        </div>
      )}
    </section>
  );
}

function GroupSkeletons() {
  return (
    <div aria-busy="true">
      <div class="skeleton is-row" />
      <div class="skeleton is-row" />
      <div class="skeleton is-row" />
      <div class="skeleton is-row" />
    </div>
  );
}

function matches(line: GroupLine, search: string, filter: Filter): boolean {
  if (filter === "unread" && line.unread === 0) return false;
  if (filter === "awaiting" && line.awaiting === 0) return false;
  const wanted = hiragana(search.replace(/\s/g, ""));
  if (!wanted) return true;
  return [line.patient.name, line.patient.kana].some((name) => hiragana(name.replace(/\s/g, "")).includes(wanted));
}

/** カタカナ, 半角カナ and ひらがな are one. */
export function hiragana(text: string): string {
  return text.normalize("NFKC").replace(/[ァ-ヶ]/g, (kana) => String.fromCharCode(kana.charCodeAt(0) - 0x60));
}

function GroupRow({ line, isOpen, now }: { line: GroupLine; isOpen: boolean; now: number }) {
  const { patient, last_post: last } = line;
  const open = alertLines.value.filter((alert) => alert.group_id === line.id && isAlertOpen(alert));
  const isAlert = open.length > 0;
  return (
    <a class={`group-row ${isAlert ? "is-alert" : ""}`} href={href("groups", line.id)} aria-current={isOpen ? "true" : undefined}>
      <span class="group-row-head">
        <span class="group-row-name">{patient.name}</span>
        <span class="group-row-age">{ageAndSex(patient)}</span>
        {last && <time class="group-row-time">{shortTime(last.created_at, now)}</time>}
      </span>
      {isAlert && (
        <span class="group-row-alert">
          <Icon name="warning" />
          {say(open.some((alert) => alert.state === "open") ? "groups.open_alert" : "groups.answered_alert")}
        </span>
      )}
      <span class="group-row-foot">
        <span class="group-row-last">{last ? <LastLine last={last} /> : say("groups.no_posts")}</span>
        {line.awaiting > 0 && <span class="awaiting-badge">{say("groups.awaiting", { count: line.awaiting })}</span>}
        <CountBadge count={line.unread} label={say("groups.unread")} />
      </span>
    </a>
  );
}

function LastLine({ last }: { last: NonNullable<GroupLine["last_post"]> }) {
  const isNotice = last.kind === "notice";
  return (
    <>
      {!isNotice && last.kind !== "report" && <KindLabel kind={last.kind} />}
      {last.author_name && !isNotice && <span class="group-row-author">{last.author_name}：</span>}
      {last.notice ? noticeSentence(last.notice, () => last.author_name) : last.excerpt}
    </>
  );
}
