/** An office's administrator: the people, a new one with an invitation, a leaver in one act. */

import { useRef, useState } from "preact/hooks";
import { get, post, send } from "../ground/api";
import { newId } from "../ground/ids";
import { href } from "../ground/router";
import { me } from "../ground/session";
import type { Colleague } from "../ground/shapes";
import { say, term } from "../ground/words";
import { Dialog } from "../parts/dialog";
import { Icon } from "../parts/icons";
import { useLoaded } from "../parts/loading";
import { ProfessionMark, professionName } from "../parts/marks";
import { sentenceOf, Trouble } from "../parts/problem";

type OfficePerson = Colleague & { is_administrator?: boolean; enrolled?: boolean };

const PROFESSIONS = [
  "physician",
  "dentist",
  "pharmacist",
  "public_health_nurse",
  "nurse",
  "assistant_nurse",
  "physical_therapist",
  "occupational_therapist",
  "speech_therapist",
  "dietitian",
  "dental_hygienist",
  "care_manager",
  "care_worker",
  "home_helper",
  "social_worker",
  "office_clerk",
];

export function OfficePage() {
  const office = me.value?.person.facility;
  const path = `/facilities/${office?.id ?? ""}/people`;
  const loaded = useLoaded(() => get<{ people: OfficePerson[] }>(path), [path]);
  const [dialog, setDialog] = useState<"add" | OfficePerson | null>(null);
  if (!me.value?.person.is_administrator) return <Trouble error={say("office.not_administrator")} />;
  const close = () => {
    setDialog(null);
    void loaded.reload();
  };
  return (
    <section class="page" aria-labelledby="office-title">
      <header class="page-head">
        <a class="icon-button" href={href("me")} aria-label={say("action.back")}>
          <Icon name="back" />
        </a>
        <h1 id="office-title" tabIndex={-1}>
          {office?.name}
        </h1>
      </header>
      <button type="button" class="button is-main is-wide" onClick={() => setDialog("add")}>
        <Icon name="plus" />
        {say("office.add")}
      </button>
      <Trouble error={loaded.error} onRetry={() => void loaded.reload()} />
      <ul class="rows">
        {loaded.value?.people.map((person) => (
          <li key={person.id} class="member">
            <ProfessionMark profession={person.profession} />
            <span class="row-main">
              <span class="row-title">{person.name}</span>
              <span class="row-note">
                {professionName(person.profession)}
                {person.is_administrator ? `　${say("office.administrator")}` : ""}
                {person.enrolled === false ? `　${say("office.not_enrolled")}` : ""}
              </span>
            </span>
            {person.id !== me.value?.person.id && (
              <button
                type="button"
                class="button is-quiet"
                aria-label={say("office.person_label", { name: person.name })}
                onClick={() => setDialog(person)}
              >
                {say("office.person")}
              </button>
            )}
          </li>
        ))}
      </ul>
      {dialog === "add" && <AddDialog path={path} onClose={close} />}
      {dialog && dialog !== "add" && <PersonDialog path={path} person={dialog} onClose={close} />}
    </section>
  );
}

function AddDialog({ path, onClose }: { path: string; onClose: () => void }) {
  const id = useRef(newId()).current;
  const [link, setLink] = useState<string | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  async function add(event: SubmitEvent) {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const word = (name: string) => String(form.get(name) ?? "").trim();
    const body = {
      id,
      login: word("login"),
      email: word("email"),
      name: word("name"),
      name_kana: word("name_kana"),
      profession: word("profession"),
      is_administrator: form.get("is_administrator") === "on",
      ...(word("licence") ? { licence: word("licence") } : {}),
    };
    try {
      const added = await post<{ invitation_path: string }>(path, body);
      setLink(`${location.origin}${added.invitation_path}`);
    } catch (error) {
      setTrouble(sentenceOf(error));
    }
  }
  return (
    <Dialog title={say("office.add")} onClose={onClose}>
      {link ? (
        <InvitationLink link={link} />
      ) : (
        <form class="form" onSubmit={(event) => void add(event)}>
          <Line name="name" label={say("office.name")} />
          <Line name="name_kana" label={say("office.kana")} />
          <label class="field">
            <span class="field-label">{say("office.profession")}</span>
            <select name="profession" required>
              <option value="">{say("members.choose")}</option>
              {PROFESSIONS.map((code) => (
                <option key={code} value={code}>
                  {term("profession", code)}
                </option>
              ))}
            </select>
          </label>
          <Line name="licence" label={say("office.licence")} isOptional />
          <Line name="email" label={say("office.email")} type="email" />
          <Line name="login" label={say("sign_in.login")} />
          <label class="choice">
            <input type="checkbox" name="is_administrator" />
            <span>{say("office.make_administrator")}</span>
          </label>
          <Trouble error={trouble} />
          <button type="submit" class="button is-main is-wide">
            {say("office.add_do")}
          </button>
        </form>
      )}
    </Dialog>
  );
}

function Line({ name, label, type = "text", isOptional = false }: { name: string; label: string; type?: "text" | "email"; isOptional?: boolean }) {
  return (
    <label class="field">
      <span class="field-label">{label}</span>
      <input name={name} type={type as "text"} required={!isOptional} maxLength={200} autocomplete="off" />
    </label>
  );
}

/** Shown once: who closes it without handing it on makes a new one. */
function InvitationLink({ link }: { link: string }) {
  const [isCopied, setIsCopied] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);
  const copy = () =>
    navigator.clipboard.writeText(link).then(
      () => setIsCopied(true),
      () => setTrouble(say("office.copy_by_hand")),
    );
  return (
    <div class="form">
      <p>{say("office.invitation")}</p>
      <output class="secret">{link}</output>
      <p class="field-note">{say("office.invitation_once")}</p>
      <Trouble error={trouble} />
      <button type="button" class="button is-main is-wide" onClick={() => void copy()}>
        {isCopied && <Icon name="check" />}
        {say(isCopied ? "office.copied" : "office.copy")}
      </button>
    </div>
  );
}

interface PersonProps {
  path: string;
  person: OfficePerson;
  onClose: () => void;
}

type Act = "again" | "leave";

/** What can be done for a person: each is chosen first and confirmed on a page of its own. */
function PersonDialog({ path, person, onClose }: PersonProps) {
  const [act, setAct] = useState<Act | null>(null);
  const [link, setLink] = useState<string | null>(null);
  if (link) {
    return (
      <Dialog title={say("office.again_title", { name: person.name })} onClose={onClose}>
        <InvitationLink link={link} />
      </Dialog>
    );
  }
  if (act) return <Confirmation act={act} path={path} person={person} onClose={onClose} onLink={setLink} onBack={() => setAct(null)} />;
  return (
    <Dialog title={say("office.person_title", { name: person.name })} onClose={onClose}>
      <div class="form">
        <p class="field-note">{say("office.again_when")}</p>
        <button type="button" class="button is-wide" onClick={() => setAct("again")}>
          {say("office.again")}
        </button>
        <p class="field-note">{say("office.leave_when")}</p>
        <button type="button" class="button is-wide" onClick={() => setAct("leave")}>
          {say("office.leave")}
        </button>
      </div>
    </Dialog>
  );
}

interface ConfirmationProps extends PersonProps {
  act: Act;
  onLink: (link: string) => void;
  onBack: () => void;
}

function Confirmation({ act, path, person, onClose, onLink, onBack }: ConfirmationProps) {
  const [trouble, setTrouble] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  async function run() {
    setIsBusy(true);
    try {
      if (act === "leave") {
        await send("DELETE", `${path}/${person.id}`);
        onClose();
      } else {
        const again = await post<{ invitation_path: string }>(`${path}/${person.id}/invitation`);
        onLink(`${location.origin}${again.invitation_path}`);
      }
    } catch (error) {
      setTrouble(sentenceOf(error));
      setIsBusy(false);
    }
  }
  return (
    <Dialog title={say(`office.${act}_title`, { name: person.name })} onClose={onClose}>
      <div class="form">
        <p>{say(`office.${act}_note`)}</p>
        <Trouble error={trouble} />
        <button type="button" class="button is-main is-wide" disabled={isBusy} onClick={() => void run()}>
          {say(`office.${act}_do`)}
        </button>
        <button type="button" class="button is-quiet is-wide" onClick={onBack}>
          {say("action.back")}
        </button>
      </div>
    </Dialog>
  );
}
