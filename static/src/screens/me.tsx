/** 自分: who I am here, this phone's notifications and whether they really arrive, and leaving. */

import { useEffect, useState } from "preact/hooks";
import { NoSignal } from "../ground/api";
import {
  isPushPossible,
  isSubscribedHere,
  sendTest,
  silenceThisPhone,
  subscribe,
  type Subscription,
  subscriptions,
  testArrivedAt,
  unsubscribe,
} from "../ground/notifications";
import { href } from "../ground/router";
import { me, signOut } from "../ground/session";
import { clock, saidTime } from "../ground/time";
import { say } from "../ground/words";
import { Dialog } from "../parts/dialog";
import { Icon } from "../parts/icons";
import { useLoaded } from "../parts/loading";
import { ProfessionMark, professionName } from "../parts/marks";
import { sentenceOf, Trouble } from "../parts/problem";
import { letters } from "../timeline/outbox";

export function MePage() {
  const person = me.value?.person;
  if (!person) return null;
  return (
    <section class="page" aria-labelledby="me-title">
      <header class="page-head">
        <h1 id="me-title" tabIndex={-1}>
          {say("me.title")}
        </h1>
      </header>
      <div class="card member">
        <ProfessionMark profession={person.profession} />
        <span class="row-main">
          <span class="row-title">{person.name}</span>
          <span class="row-note">{person.name_kana}</span>
          <span class="row-note">{professionName(person.profession)}</span>
          <span class="row-note">{person.facility?.name}</span>
        </span>
      </div>
      <Notifications />
      {person.is_administrator && person.facility && (
        <section>
          <h2>{say("me.office")}</h2>
          <a class="button is-wide" href={href("me", "office")}>
            {say("me.to_office", { name: person.facility.name })}
          </a>
        </section>
      )}
      <Leaving />
    </section>
  );
}

function Notifications() {
  const list = useLoaded(subscriptions, []);
  const [isHere, setIsHere] = useState<boolean | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [testedAt, setTestedAt] = useState<number | null>(null);
  useEffect(() => void isSubscribedHere().then(setIsHere), []);
  async function turnOn() {
    setTrouble(null);
    try {
      const outcome = await subscribe(me.value?.vapid_public_key ?? "");
      if (outcome === "denied") setTrouble(say("push.denied"));
      else setIsHere(true);
      await list.reload();
    } catch (error) {
      setTrouble(error instanceof DOMException ? say("push.impossible_now") : sentenceOf(error));
    }
  }
  async function test() {
    setTrouble(null);
    try {
      await sendTest();
      setTestedAt(Date.now());
    } catch (error) {
      setTrouble(sentenceOf(error));
    }
  }
  async function remove(id: string) {
    try {
      await unsubscribe(id);
      await list.reload();
    } catch (error) {
      setTrouble(sentenceOf(error));
    }
  }
  const arrived = testArrivedAt.value;
  return (
    <section aria-labelledby="push-title">
      <h2 id="push-title">{say("push.title")}</h2>
      <p>{say("push.note")}</p>
      {!isPushPossible() && <Trouble error={say("push.impossible")} />}
      {isPushPossible() && isHere === false && (
        <button type="button" class="button is-main is-wide" onClick={() => void turnOn()}>
          {say("push.turn_on")}
        </button>
      )}
      {isHere && (
        <p class="good-line">
          <Icon name="check" />
          {say("push.is_on")}
        </p>
      )}
      <Trouble error={trouble} />
      {(list.value?.length ?? 0) > 0 && (
        <>
          <Devices devices={list.value ?? []} onRemove={(id) => void remove(id)} />
          <button type="button" class="button is-wide" onClick={() => void test()}>
            {say("push.test")}
          </button>
          <p role="status" class="test-line">
            {arrived ? say("push.arrived", { time: clock(arrived) }) : testedAt ? say("push.waiting") : ""}
          </p>
        </>
      )}
    </section>
  );
}

function Devices({ devices, onRemove }: { devices: Subscription[]; onRemove: (id: string) => void }) {
  return (
    <ul class="rows">
      {devices.map((device, place) => (
        <li key={device.id} class="member">
          <Icon name="phone" />
          <span class="row-main">
            <span class="row-title">{say("push.device", { count: place + 1, host: device.endpoint_host })}</span>
            <span class="row-note">{say("push.since", { time: saidTime(device.created_at) })}</span>
          </span>
          <button type="button" class="button is-quiet" onClick={() => onRemove(device.id)}>
            {say("push.remove")}
          </button>
        </li>
      ))}
    </ul>
  );
}

function Leaving() {
  const [isAsking, setIsAsking] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);
  const unsent = letters.value.length;
  async function leave() {
    try {
      await silenceThisPhone();
      await signOut();
      // Begin anew: the server has also told the browser to clear what it kept.
      location.replace("/");
    } catch (error) {
      setTrouble(error instanceof NoSignal ? say("me.leave_no_signal") : sentenceOf(error));
    }
  }
  return (
    <section class="leaving">
      <button type="button" class="button is-wide" onClick={() => (unsent > 0 ? setIsAsking(true) : void leave())}>
        {say("me.leave")}
      </button>
      <p class="field-note">{say("me.leave_note")}</p>
      <Trouble error={trouble} />
      {isAsking && (
        <Dialog title={say("me.leave")} onClose={() => setIsAsking(false)}>
          <p>{say("me.leave_unsent", { count: unsent })}</p>
          <div class="button-row">
            <button type="button" class="button is-main" onClick={() => setIsAsking(false)}>
              {say("me.stay")}
            </button>
            <button type="button" class="button" onClick={() => void leave()}>
              {say("me.leave_anyway")}
            </button>
          </div>
        </Dialog>
      )}
    </section>
  );
}
