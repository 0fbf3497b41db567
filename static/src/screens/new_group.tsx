/** A new patient group. */

import { useRef, useState } from "preact/hooks";
import { post } from "../ground/api";
import { newId } from "../ground/ids";
import { goInstead, href } from "../ground/router";
import { say } from "../ground/words";
import { Icon } from "../parts/icons";
import { sentenceOf, Trouble } from "../parts/problem";
import { loadGroups } from "../timeline/groups";
import { noPatient, PatientFields } from "./patient_form";

export function NewGroup() {
  const [words, setWords] = useState(noPatient);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  // One id for this form: sending twice opens one group.
  const id = useRef(newId()).current;
  async function open(event: SubmitEvent) {
    event.preventDefault();
    setIsBusy(true);
    try {
      await post("/groups", { id, patient: words });
      await loadGroups();
      goInstead("groups", id);
    } catch (error) {
      setTrouble(sentenceOf(error));
      setIsBusy(false);
    }
  }
  return (
    <form class="page form" onSubmit={(event) => void open(event)}>
      <header class="page-head">
        <a class="icon-button" href={href("groups")} aria-label={say("group.to_list")}>
          <Icon name="back" />
        </a>
        <h1 tabIndex={-1}>{say("groups.new")}</h1>
      </header>
      <p class="field-note">{say("new_group.consent")}</p>
      <PatientFields words={words} onChange={setWords} />
      <Trouble error={trouble} />
      <button type="submit" class="button is-main is-wide" disabled={isBusy}>
        {say("new_group.open")}
      </button>
    </form>
  );
}
