/** One patient group. Its header never scrolls away: whose record this is must be seen at every moment. */

import { useEffect, useLayoutEffect } from "preact/hooks";
import { Problem } from "../ground/api";
import { groupChanged } from "../ground/live";
import { go, goInstead, href } from "../ground/router";
import type { Group, Patient } from "../ground/shapes";
import { say, term, type Word } from "../ground/words";
import { Icon } from "../parts/icons";
import { Later, Skeleton } from "../parts/later";
import { useLoaded } from "../parts/loading";
import { ageAndSex } from "../parts/marks";
import { Trouble } from "../parts/problem";
import { groupInView, loadGroup } from "../timeline/groups";
import { timelineOf } from "../timeline/timeline";
import { RecordTab } from "./record";

const TABS: { name: string; word: Word }[] = [
  { name: "record", word: "group.tab_record" },
  { name: "card", word: "group.tab_card" },
  { name: "sheets", word: "group.tab_sheets" },
  { name: "members", word: "group.tab_members" },
];

export function GroupPage({ groupId, tab }: { groupId: string; tab: string }) {
  const change = groupChanged.value;
  const isMine = change.id === groupId;
  const loaded = useLoaded(() => loadGroup(groupId), [groupId, isMine ? change.count : 0]);
  useLayoutEffect(() => {
    // The posts are asked for together with the group they belong to.
    if (tab === "record") void timelineOf(groupId).open().catch(() => undefined);
  }, [groupId]);
  useEffect(() => {
    groupInView.value = groupId;
    return () => {
      groupInView.value = null;
    };
  }, [groupId]);
  const group = loaded.value;
  if (loaded.error && (!group || (loaded.error instanceof Problem && loaded.error.status === 404))) {
    return <Unreachable error={loaded.error} onRetry={() => void loaded.reload()} />;
  }
  if (!group) return <Skeleton />;
  return (
    <section class="group-page" aria-labelledby="group-title">
      <GroupHead patient={group.patient} />
      <nav class="tabs" aria-label={say("group.tabs")}>
        {TABS.map(({ name, word }) => (
          <a
            key={name}
            class="tab"
            aria-current={tab === name ? "page" : undefined}
            href={name === "record" ? href("groups", groupId) : href("groups", groupId, name)}
            onClick={(event) => {
              // Tabs are one page: the way back leads to the list, not through every tab.
              event.preventDefault();
              goInstead(...(name === "record" ? ["groups", groupId] : ["groups", groupId, name]));
            }}
          >
            {say(word)}
          </a>
        ))}
      </nav>
      <GroupTab tab={tab} group={group} reload={loaded.reload} />
    </section>
  );
}

function GroupTab({ tab, group, reload }: { tab: string; group: Group; reload: () => Promise<void> }) {
  switch (tab) {
    case "card":
      return <Later key="card" load={() => import("./card")} name="CardTab" props={{ group }} />;
    case "sheets":
      return <Later key="sheets" load={() => import("./sheets")} name="GroupSheets" props={{ group }} />;
    case "members":
      return <Later key="members" load={() => import("./members")} name="MembersTab" props={{ group, reload }} />;
    default:
      return <RecordTab group={group} reload={reload} />;
  }
}

function Unreachable({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  return (
    <section class="page">
      <h1 tabIndex={-1} class="hidden">
        {say("group.unreachable")}
      </h1>
      <Trouble error={error} onRetry={onRetry} />
      <button type="button" class="button" onClick={() => go("groups")}>
        {say("group.to_list")}
      </button>
    </section>
  );
}

function GroupHead({ patient }: { patient: Patient }) {
  return (
    <header class="group-head">
      <a class="icon-button group-back" href={href("groups")} aria-label={say("group.to_list")}>
        <Icon name="back" />
      </a>
      <div class="group-head-words">
        <h1 id="group-title" tabIndex={-1} class="group-name">
          {patient.name}
          <span class="group-honorific">{say("patient.honorific")}</span>
          <span class="group-age">{ageAndSex(patient)}</span>
        </h1>
        {patient.summary && <p class="group-summary">{patient.summary}</p>}
      </div>
    </header>
  );
}

/** The same words again where something is about to be written or sent: the wrong-patient guard. */
export function PatientGuard({ patient, word }: { patient: Patient; word: Word }) {
  return (
    <p class="guard">
      <span class="guard-word">{say(word)}</span>
      <span class="guard-name">
        {patient.name}
        {say("patient.honorific")}
      </span>
      <span class="guard-age">{ageAndSex(patient)}</span>
    </p>
  );
}

export function functionName(code: string | null): string {
  return code ? term("function", code) : "";
}
