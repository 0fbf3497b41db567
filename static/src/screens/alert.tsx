/** One alert. For the one who asked: who was called, what is next. For the one who is asked: what, and four big buttons. */

import { useEffect, useState } from "preact/hooks";
import { get, NoSignal, post, Problem } from "../ground/api";
import { href } from "../ground/router";
import { me } from "../ground/session";
import type { Alert, AlertLine } from "../ground/shapes";
import { saidTime } from "../ground/time";
import { speaker, term } from "../ground/words";
import texts from "../../../casenet/words/ja/screens_urgent.json";
import { Icon } from "../parts/icons";
import { Skeleton } from "../parts/later";
import { useLoaded } from "../parts/loading";
import { ageAndSex, LevelLabel } from "../parts/marks";
import { sentenceOf, Trouble } from "../parts/problem";
import { groupLines, loadGroup } from "../timeline/groups";
import { alertLines, isOpen, loadAlert, loadAlerts, rang } from "../timeline/alerts";
import { letters } from "../timeline/outbox";
import { AnswerButtons } from "./answer";
import { Ladder } from "./ladder";
import { Sending } from "./sending";

const say = speaker(texts);
/** With an open alert on screen nothing may be older than this. */
const LOOK_MILLISECONDS = 5_000;

export function AlertPage({ alertId }: { alertId: string }) {
  const letter = letters.value.find((other) => other.type === "alert" && other.id === alertId);
  const isWaiting = Boolean(letter);
  const ringing = rang.value.id === alertId ? rang.value.count : 0;
  // Before the server has it there is nothing to ask for.
  const loaded = useLoaded(() => (isWaiting ? new Promise<Alert>(() => undefined) : loadAlert(alertId)), [alertId, isWaiting, ringing]);
  const alert = loaded.value;
  useEffect(() => {
    if (alert && !isOpen(alert)) return;
    const timer = setInterval(() => void loaded.reload(), LOOK_MILLISECONDS);
    return () => clearInterval(timer);
  }, [alert && isOpen(alert), loaded.reload]);
  if (letter?.type === "alert" && !alert) return <Sending letter={letter} />;
  if (!alert && loaded.error) {
    return (
      <div class="page">
        <h1 tabIndex={-1}>{say("alert")}</h1>
        <Trouble error={loaded.error} onRetry={() => void loaded.reload()} />
      </div>
    );
  }
  if (!alert) return <Skeleton />;
  return <OneAlert alert={alert} set={loaded.set} reload={loaded.reload} isStale={loaded.error instanceof NoSignal} />;
}

interface OneAlertProps {
  alert: Alert;
  set: (alert: Alert) => void;
  reload: () => Promise<void>;
  isStale: boolean;
}

function OneAlert({ alert, set, reload, isStale }: OneAlertProps) {
  const [trouble, setTrouble] = useState<string | null>(null);
  const group = useLoaded(() => loadGroup(alert.group_id), [alert.group_id]);
  // Without the key the server names nobody; this phone's own list may.
  const patient = alert.patient ?? groupLines.value.find((line) => line.id === alert.group_id)?.patient ?? null;
  const isMine = alert.raised_by === me.value?.person.id;
  // Until the rights are known the buttons stand: better one refusal than a doctor without a button.
  const mayAnswer = group.value?.my.permissions.includes("answer") ?? true;
  async function act(name: string, body: Record<string, unknown> = {}) {
    setTrouble(null);
    try {
      set(await post<Alert>(`/alerts/${alert.id}/${name}`, body));
    } catch (error) {
      setTrouble(answerTrouble(error, alert));
      await reload();
    }
    void loadAlerts().catch(() => undefined);
  }
  return (
    <article class={`page alert-page is-${alert.state}`} aria-labelledby="alert-title">
      <header class="alert-head">
        <p class="alert-state" role="status">
          <span class={`state-light is-${alert.state}`} aria-hidden="true" />
          {stateSentence(alert)}
        </p>
        <h1 id="alert-title" tabIndex={-1}>
          {patient ? (
            <>
              {patient.name}
              <span class="group-honorific">{say("honorific")}</span>
              <span class="group-age">{ageAndSex(patient)}</span>
            </>
          ) : (
            say("patient_closed")
          )}
        </h1>
        {patient?.summary && <p class="group-summary">{patient.summary}</p>}
      </header>
      {isStale && <Trouble error={say("stale")} />}
      {alert.level === "E4" && isOpen(alert) && <AmbulanceLine />}
      {isMine && isOpen(alert) && <CallNow alert={alert} />}
      <What alert={alert} />
      <Trouble error={trouble} />
      {isMine && <Ladder alert={alert} />}
      {isOpen(alert) && <AnswerButtons alert={alert} isMine={isMine} mayAnswer={mayAnswer} act={act} />}
      {!isMine && <Ladder alert={alert} />}
    </article>
  );
}

function What({ alert }: { alert: Alert }) {
  return (
    <section class="alert-what">
      <LevelLabel level={alert.level} />
      <p class="post-text">{alert.text ?? say("text_closed")}</p>
      <p class="field-note">{say("raised", { name: alert.people[alert.raised_by]?.name ?? "", time: saidTime(alert.raised_at) })}</p>
      <p>
        <a class="text-button" href={href("groups", alert.group_id)}>
          {say("to_record")}
        </a>
        <a class="text-button" href={href("groups", alert.group_id, "card")}>
          {say("to_card")}
        </a>
      </p>
    </section>
  );
}

/** The one who waits beside the patient can always telephone: first who has it, else who is being called now. */
function CallNow({ alert }: { alert: Alert }) {
  const people = alert.steps.flatMap((step) => step.people).filter((person) => person.tel);
  const running = alert.steps.find((step) => step.state === "running")?.people.find((person) => person.tel);
  const person = people.find((one) => one.id === alert.answered_by) ?? running ?? people[0];
  if (!person) return null;
  return (
    <a class="button is-main is-wide is-huge" href={`tel:${person.tel.replace(/[^\d+]/g, "")}`}>
      <Icon name="phone" />
      {say("call_person", { name: person.name })}
    </a>
  );
}

function AmbulanceLine() {
  return (
    <a class="button is-danger is-wide" href="tel:119">
      <Icon name="phone" />
      {say("call_119")}
    </a>
  );
}

function stateSentence(alert: Alert): string {
  const name = alert.people[alert.answered_by ?? ""]?.name ?? "";
  if (alert.state === "resolved") return say("state_resolved", { outcome: term("outcome", alert.outcome) });
  return say(`state_${alert.state}`, { name });
}

function answerTrouble(error: unknown, alert: Alert): string {
  if (error instanceof Problem && (error.code === "already-answered" || error.code === "alert-closed")) {
    const id = String(error.facts["answered_by"] ?? "");
    return say("already_answered", { name: alert.people[id]?.name ?? say("somebody") });
  }
  return sentenceOf(error);
}

export function AlertsList() {
  const loaded = useLoaded(() => loadAlerts().then(() => true), [rang.value.count]);
  const hasAsked = loaded.value === true;
  const open = alertLines.value.filter(isOpen);
  const all = useLoaded(() => get<{ alerts: AlertLine[] }>("/alerts?open=false"), [rang.value.count]);
  const past = all.value?.alerts.filter((line) => !isOpen(line)) ?? [];
  return (
    <section class="page" aria-labelledby="alerts-title">
      <header class="page-head">
        <h1 id="alerts-title" tabIndex={-1}>
          {say("alerts")}
        </h1>
      </header>
      {loaded.error ? <Trouble error={loaded.error} onRetry={() => void loaded.reload()} /> : null}
      <ul class="rows">
        {open.map((line) => (
          <li key={line.id}>
            <AlertRow line={line} />
          </li>
        ))}
      </ul>
      {/* Not known is not none, and not yet asked is not known. */}
      {open.length === 0 && !hasAsked && !loaded.error && <div class="skeleton is-row" aria-busy="true" />}
      {open.length === 0 && hasAsked && !loaded.error && (
        <div class="empty">
          <p>{say("alerts_none")}</p>
          <p class="field-note">{say("alerts_note")}</p>
        </div>
      )}
      {past.length > 0 && (
        <section aria-labelledby="past-title">
          <h2 id="past-title">{say("alerts_past")}</h2>
          <ul class="rows">
            {past.map((line) => (
              <li key={line.id}>
                <AlertRow line={line} />
              </li>
            ))}
          </ul>
        </section>
      )}
    </section>
  );
}

function AlertRow({ line }: { line: AlertLine }) {
  const name = line.people?.[line.answered_by ?? ""]?.name ?? "";
  return (
    <a class={`alert-row is-${line.state}`} href={href("alerts", line.id)}>
      <span class="group-row-head">
        <span class="group-row-name">
          {line.patient ? `${line.patient.name}${say("honorific")}` : say("patient_closed")}
        </span>
        <time class="group-row-time">{saidTime(line.raised_at)}</time>
      </span>
      <LevelLabel level={line.level} />
      <span class="alert-row-state">
        <span class={`state-light is-${line.state}`} aria-hidden="true" />
        {line.state === "resolved" ? term("state", line.state) : say(`state_${line.state}`, { name })}
      </span>
    </a>
  );
}
