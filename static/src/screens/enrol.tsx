/** The first page of a new person: their password, then the six-digit app, from a one-time invitation. */

import { useMemo, useState } from "preact/hooks";
import { encode } from "uqr";
import { get, post, Problem } from "../ground/api";
import { say } from "../ground/words";
import { useLoaded } from "../parts/loading";
import { sentenceOf, Trouble } from "../parts/problem";
import { CodeInput } from "./sign_in";

/** As many as the server asks for: casenet/identity/rules.py. */
const PASSWORD_CHARACTERS_MIN = 13;

interface Secret {
  totp_secret: string;
  totp_uri: string;
}

export function Enrol({ token }: { token: string }) {
  const invitation = useLoaded(() => get<{ name: string; facility_name: string }>(`/invitations/${token}`), [token]);
  const [secret, setSecret] = useState<Secret | null>(null);
  const [isDone, setIsDone] = useState(false);
  return (
    <main class="entrance">
      <header class="entrance-head">
        <img src="/icons/icon.svg" alt="" width="56" height="56" />
        <h1>{say("enrol.title")}</h1>
        {invitation.value && (
          <p>{say("enrol.welcome", { name: invitation.value.name, facility: invitation.value.facility_name })}</p>
        )}
      </header>
      {invitation.error ? <Trouble error={isGone(invitation.error) ? say("enrol.gone") : invitation.error} /> : null}
      {invitation.value && !secret && <PasswordStep token={token} onDone={setSecret} />}
      {secret && !isDone && <CodeStep token={token} secret={secret} onDone={() => setIsDone(true)} />}
      {isDone && (
        <section class="card form">
          <p>{say("enrol.done")}</p>
          <a class="button is-main is-wide" href="/">
            {say("enrol.to_sign_in")}
          </a>
        </section>
      )}
    </main>
  );
}

function isGone(error: unknown): boolean {
  return error instanceof Problem && [404, 410].includes(error.status);
}

function PasswordStep({ token, onDone }: { token: string; onDone: (secret: Secret) => void }) {
  const [trouble, setTrouble] = useState<string | null>(null);
  async function submit(event: SubmitEvent) {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const password = String(form.get("password"));
    if (password !== String(form.get("again"))) {
      setTrouble(say("enrol.not_same"));
      return;
    }
    try {
      onDone(await post<Secret>(`/invitations/${token}`, { password }));
    } catch (error) {
      const isWeak = error instanceof Problem && [400, 422].includes(error.status);
      setTrouble(isWeak ? say("enrol.weak", { count: PASSWORD_CHARACTERS_MIN }) : sentenceOf(error));
    }
  }
  return (
    <form class="form card" onSubmit={(event) => void submit(event)}>
      <h2>{say("enrol.step_password")}</h2>
      <label class="field">
        <span class="field-label">{say("sign_in.password")}</span>
        <span class="field-note">{say("enrol.password_note", { count: PASSWORD_CHARACTERS_MIN })}</span>
        <input name="password" type="password" autocomplete="new-password" required minLength={PASSWORD_CHARACTERS_MIN} />
      </label>
      <label class="field">
        <span class="field-label">{say("enrol.again")}</span>
        <input name="again" type="password" autocomplete="new-password" required />
      </label>
      <Trouble error={trouble} />
      <button type="submit" class="button is-main is-wide">
        {say("sign_in.next")}
      </button>
    </form>
  );
}

function CodeStep({ token, secret, onDone }: { token: string; secret: Secret; onDone: () => void }) {
  const [trouble, setTrouble] = useState<string | null>(null);
  async function submit(event: SubmitEvent) {
    event.preventDefault();
    const code = String(new FormData(event.currentTarget as HTMLFormElement).get("code")).replace(/\D/g, "");
    try {
      await post(`/invitations/${token}/code`, { code });
      onDone();
    } catch (error) {
      setTrouble(error instanceof Problem && error.status < 500 ? say("sign_in.wrong_code") : sentenceOf(error));
    }
  }
  return (
    <form class="form card" onSubmit={(event) => void submit(event)}>
      <h2>{say("enrol.step_code")}</h2>
      <p>{say("enrol.code_note")}</p>
      <SecretPicture uri={secret.totp_uri} />
      <p class="field-note">{say("enrol.or_here")}</p>
      <a class="button is-wide" href={secret.totp_uri}>
        {say("enrol.open_app")}
      </a>
      <p class="field-note">{say("enrol.by_hand")}</p>
      <output class="secret">{secret.totp_secret.replace(/(.{4})/g, "$1 ").trim()}</output>
      <label class="field">
        <span class="field-label">{say("sign_in.code")}</span>
        <CodeInput />
      </label>
      <Trouble error={trouble} />
      <button type="submit" class="button is-main is-wide">
        {say("enrol.finish")}
      </button>
    </form>
  );
}

/** The secret for another device's camera: drawn here, sent nowhere. Dark on white at night, too, or no camera reads it. */
function SecretPicture({ uri }: { uri: string }) {
  const { size, path } = useMemo(() => {
    const { size, data } = encode(uri, { ecc: "M", border: 4 });
    const squares = data.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : "")));
    return { size, path: squares.join("") };
  }, [uri]);
  return (
    <figure class="secret-picture">
      <svg viewBox={`0 0 ${size} ${size}`} role="img" aria-label={say("enrol.picture")} shape-rendering="crispEdges">
        <rect width={size} height={size} fill="#fff" />
        <path d={path} fill="#000" />
      </svg>
      <figcaption>{say("enrol.picture_note")}</figcaption>
    </figure>
  );
}
