/** Who belongs to this group: office, function, telephone; letting in and out for who may. */

import { useState } from "preact/hooks";
import { get, post, send } from "../ground/api";
import { me } from "../ground/session";
import type { Colleague, Facility, Group, Member } from "../ground/shapes";
import { saidTime } from "../ground/time";
import { say, term } from "../ground/words";
import { Dialog } from "../parts/dialog";
import { Icon } from "../parts/icons";
import { useLoaded } from "../parts/loading";
import { ProfessionMark, professionName } from "../parts/marks";
import { sentenceOf, Trouble } from "../parts/problem";

interface MembersProps {
  group: Group;
  reload: () => Promise<void>;
}

export function MembersTab({ group, reload }: MembersProps) {
  const [dialog, setDialog] = useState<"invite" | Member | null>(null);
  const may = group.my.permissions;
  return (
    <div class="page tab-page">
      {may.includes("invite") && (
        <button type="button" class="button is-wide" onClick={() => setDialog("invite")}>
          <Icon name="plus" />
          {say("members.invite")}
        </button>
      )}
      <p class="field-note">{say("members.count", { count: group.members.length, host: group.host_facility.name })}</p>
      <ul class="rows">
        {group.members.map((member) => (
          <li key={member.person_id} class="member">
            <ProfessionMark profession={member.profession} />
            <span class="row-main">
              <span class="row-title">
                {member.name}
                {member.function && <span class="function-label">{term("function", member.function)}</span>}
              </span>
              <span class="row-note">{professionName(member.profession)}</span>
              <span class="row-note">{member.facility_name}</span>
              {member.ends_at && <span class="row-note">{say("members.until", { time: saidTime(member.ends_at) })}</span>}
            </span>
            {member.facility_tel && (
              <a
                class="icon-button"
                href={`tel:${member.facility_tel.replace(/[^\d+]/g, "")}`}
                aria-label={say("members.call", { name: member.facility_name })}
              >
                <Icon name="phone" />
              </a>
            )}
            {may.includes("remove") && member.person_id !== me.value?.person.id && (
              <button
                type="button"
                class="icon-button"
                aria-label={say("members.remove", { name: member.name })}
                onClick={() => setDialog(member)}
              >
                <Icon name="close" />
              </button>
            )}
          </li>
        ))}
      </ul>
      {dialog === "invite" && <InviteDialog group={group} reload={reload} onClose={() => setDialog(null)} />}
      {dialog && dialog !== "invite" && <RemoveDialog member={dialog} group={group} reload={reload} onClose={() => setDialog(null)} />}
    </div>
  );
}

function RemoveDialog({ member, group, reload, onClose }: MembersProps & { member: Member; onClose: () => void }) {
  const [trouble, setTrouble] = useState<string | null>(null);
  async function remove() {
    try {
      await send("DELETE", `/groups/${group.id}/members/${member.person_id}`);
      await reload();
      onClose();
    } catch (error) {
      setTrouble(sentenceOf(error));
    }
  }
  return (
    <Dialog title={say("members.remove", { name: member.name })} onClose={onClose}>
      <p>{say("members.remove_note", { name: member.name, patient: group.patient.name })}</p>
      <Trouble error={trouble} />
      <button type="button" class="button is-main is-wide" onClick={() => void remove()}>
        {say("members.remove_do")}
      </button>
    </Dialog>
  );
}

const FUNCTIONS = [
  "attending_physician",
  "deputy_physician",
  "partner_physician",
  "responsible_care_manager",
  "visiting_nurse",
  "visiting_pharmacist",
  "home_help",
  "day_care",
  "rehabilitation",
  "family_keyperson",
];

function InviteDialog({ group, reload, onClose }: MembersProps & { onClose: () => void }) {
  const offices = useLoaded(() => get<{ facilities: Facility[] }>("/facilities"), []);
  const [office, setOffice] = useState("");
  const staff = useLoaded(
    () => (office ? get<{ people: Colleague[] }>(`/facilities/${office}/people`) : Promise.resolve({ people: [] })),
    [office],
  );
  const [person, setPerson] = useState("");
  const [task, setTask] = useState("");
  const [trouble, setTrouble] = useState<string | null>(null);
  const present = new Set(group.members.map((member) => member.person_id));
  const people = staff.value?.people.filter((colleague) => !present.has(colleague.id)) ?? [];
  async function invite(event: SubmitEvent) {
    event.preventDefault();
    try {
      await post(`/groups/${group.id}/members`, { person_id: person, function: task || null });
      await reload();
      onClose();
    } catch (error) {
      setTrouble(sentenceOf(error));
    }
  }
  return (
    <Dialog title={say("members.invite")} onClose={onClose}>
      <form class="form" onSubmit={(event) => void invite(event)}>
        <Trouble error={offices.error ?? staff.error} />
        <label class="field">
          <span class="field-label">{say("members.office")}</span>
          <select
            value={office}
            required
            onChange={(event) => {
              setOffice(event.currentTarget.value);
              setPerson("");
            }}
          >
            <option value="">{say("members.choose")}</option>
            {offices.value?.facilities.map((one) => (
              <option key={one.id} value={one.id}>
                {one.name}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          <span class="field-label">{say("members.person")}</span>
          <select value={person} required disabled={!office} onChange={(event) => setPerson(event.currentTarget.value)}>
            <option value="">{office && people.length === 0 ? say("members.all_there") : say("members.choose")}</option>
            {people.map((colleague) => (
              <option key={colleague.id} value={colleague.id}>
                {`${colleague.name}（${professionName(colleague.profession)}）`}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          <span class="field-label">{say("members.function")}</span>
          <select value={task} onChange={(event) => setTask(event.currentTarget.value)}>
            <option value="">{say("members.no_function")}</option>
            {FUNCTIONS.map((code) => (
              <option key={code} value={code}>
                {term("function", code)}
              </option>
            ))}
          </select>
        </label>
        <Trouble error={trouble} />
        <button type="submit" class="button is-main is-wide" disabled={!person}>
          {say("members.invite_do")}
        </button>
      </form>
    </Dialog>
  );
}
