/** Signing in: name and password, then the six digits. In the demo, one tap on an invented person. */

import { useEffect, useState } from "preact/hooks";
import { get, Problem } from "../ground/api";
import { ended, isOffline, sessionState, signInAs, signInWithCode, signInWithPassword } from "../ground/session";
import type { DemoPerson } from "../ground/shapes";
import { say } from "../ground/words";
import { ProfessionMark, professionName } from "../parts/marks";
import { sentenceOf, Trouble } from "../parts/problem";

export function SignIn() {
  const [step, setStep] = useState<"password" | "code">("password");
  return (
    <main class="entrance">
      <header class="entrance-head">
        <img src="/icons/icon.svg" alt="" width="56" height="56" />
        <h1>{say("app.name")}</h1>
        <p>{say("sign_in.purpose")}</p>
      </header>
      {ended.value && !isOffline.value && (
        <p class="entrance-note" role="status">
          {say(ended.value === "idle" ? "sign_in.idle" : "sign_in.over")}
        </p>
      )}
      {isOffline.value && <Trouble error={say("sign_in.offline")} onRetry={() => location.reload()} />}
      {step === "password" ? <PasswordForm onDone={() => setStep("code")} /> : <CodeForm onBack={() => setStep("password")} />}
      {step === "password" && <DemoPeople />}
    </main>
  );
}

function PasswordForm({ onDone }: { onDone: () => void }) {
  const [trouble, setTrouble] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  async function submit(event: SubmitEvent) {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    setIsBusy(true);
    setTrouble(null);
    try {
      await signInWithPassword(String(form.get("login")).trim(), String(form.get("password")));
      onDone();
    } catch (error) {
      setTrouble(wrongOr(error, say("sign_in.wrong_password")));
    } finally {
      setIsBusy(false);
    }
  }
  return (
    <form class="form card" onSubmit={(event) => void submit(event)}>
      <label class="field">
        <span class="field-label">{say("sign_in.login")}</span>
        <input name="login" type="text" autocomplete="username" autocapitalize="none" required maxLength={200} />
      </label>
      <label class="field">
        <span class="field-label">{say("sign_in.password")}</span>
        <input name="password" type="password" autocomplete="current-password" required maxLength={200} />
      </label>
      <Trouble error={trouble} />
      <button type="submit" class="button is-main is-wide" disabled={isBusy}>
        {say("sign_in.next")}
      </button>
    </form>
  );
}

function CodeForm({ onBack }: { onBack: () => void }) {
  const [trouble, setTrouble] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  async function submit(event: SubmitEvent) {
    event.preventDefault();
    const code = String(new FormData(event.currentTarget as HTMLFormElement).get("code")).replace(/\D/g, "");
    setIsBusy(true);
    setTrouble(null);
    try {
      await signInWithCode(code);
    } catch (error) {
      setTrouble(wrongOr(error, say("sign_in.wrong_code")));
      setIsBusy(false);
    }
  }
  return (
    <form class="form card" onSubmit={(event) => void submit(event)}>
      <label class="field">
        <span class="field-label">{say("sign_in.code")}</span>
        <span class="field-note">{say("sign_in.code_note")}</span>
        <CodeInput />
      </label>
      <Trouble error={trouble} />
      <button type="submit" class="button is-main is-wide" disabled={isBusy}>
        {say("sign_in.enter")}
      </button>
      <button type="button" class="button is-quiet is-wide" onClick={onBack}>
        {say("action.back")}
      </button>
    </form>
  );
}

export function CodeInput() {
  return (
    <input
      class="code-input"
      name="code"
      type="text"
      inputMode="numeric"
      autocomplete="one-time-code"
      pattern="[0-9 ]{6,7}"
      maxLength={7}
      required
      ref={(element) => element?.focus()}
    />
  );
}

function wrongOr(error: unknown, wrong: string): string {
  return error instanceof Problem && [400, 401, 403, 422].includes(error.status) ? wrong : sentenceOf(error);
}

function DemoPeople() {
  const [people, setPeople] = useState<DemoPerson[]>([]);
  const [trouble, setTrouble] = useState<unknown>(null);
  useEffect(() => {
    // Outside the demo this door does not exist, and nothing is shown.
    void sessionState()
      .then(async ({ demo }) => demo && setPeople((await get<{ people: DemoPerson[] }>("/demo/people")).people))
      .catch(() => undefined);
  }, []);
  if (people.length === 0) return null;
  return (
    <section class="demo" aria-labelledby="demo-title">
      <h2 id="demo-title">
        <span class="demo-sign">{say("demo.sign")}</span>
        {say("demo.title")}
      </h2>
      <p>{say("demo.note")}</p>
      <Trouble error={trouble} />
      <ul class="rows">
        {people.map((person) => (
          <li key={person.id}>
            <button type="button" class="row-button" onClick={() => void signInAs(person.id).catch(setTrouble)}>
              <ProfessionMark profession={person.profession} />
              <span class="row-main">
                <span class="row-title">{person.name}</span>
                <span class="row-note">
                  {professionName(person.profession)}　{person.facility_name}
                </span>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
