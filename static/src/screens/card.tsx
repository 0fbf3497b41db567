/** 患者カード: who the patient is and what the record holds, in the order of the admission form. */

import { useEffect, useRef, useState } from "preact/hooks";
import { get, Problem, send } from "../ground/api";
import { drop, put, take } from "../ground/database";
import { type Form, type FormBlock, type FormField, isAsked, isFilled, loadForm, type Values, wordsOf } from "../ground/forms";
import { groupChanged } from "../ground/live";
import type { Group } from "../ground/shapes";
import { birthday } from "../ground/time";
import { say } from "../ground/words";
import { FieldControl } from "../parts/form_field";
import { Icon } from "../parts/icons";
import { Skeleton } from "../parts/later";
import { useLoaded } from "../parts/loading";
import { ageAndSex } from "../parts/marks";
import { sentenceOf, Trouble } from "../parts/problem";
import { noPatient, PatientFields, type PatientWords } from "./patient_form";

interface PatientRecord {
  revision: number;
  patient: PatientWords;
  fields: Values;
}

async function loadRecord(groupId: string): Promise<PatientRecord> {
  try {
    const record = await get<PatientRecord>(`/groups/${groupId}/record`);
    await put("cache", `record:${groupId}`, record);
    return record;
  } catch (error) {
    const kept = await take<PatientRecord>("cache", `record:${groupId}`);
    if (kept && !(error instanceof Problem)) return kept;
    throw error;
  }
}

export function CardTab({ group }: { group: Group }) {
  const touched = groupChanged.value.id === group.id ? groupChanged.value.count : 0;
  const mayRead = group.my.permissions.includes("record");
  const record = useLoaded(() => (mayRead ? loadRecord(group.id) : Promise.resolve(null)), [group.id, touched]);
  const form = useLoaded(loadForm, []);
  const [isEditing, setIsEditing] = useState(false);
  // What was typed and not saved opens again by itself.
  useEffect(() => void takeTyped(group.id).then((typed) => typed && setIsEditing(true)), [group.id]);
  if (isEditing && record.value && form.value) {
    return (
      <RecordEditor
        group={group}
        record={record.value}
        form={form.value}
        onDone={() => {
          setIsEditing(false);
          void record.reload();
        }}
      />
    );
  }
  return (
    <div class="page tab-page card-page">
      <dl class="facts">
        <Fact name={say("patient.kana")} words={group.patient.kana} />
        <Fact name={say("patient.birth_date")} words={`${birthday(group.patient.birth_date)}　${ageAndSex(group.patient)}`} />
        <Fact name={say("patient.address")} words={group.patient.address ?? ""} />
        <Fact name={say("patient.tel")} words={group.patient.tel ?? ""} tel />
        <Fact name={say("card.host")} words={group.host_facility.name} />
      </dl>
      {mayRead && !record.value && !record.error && <Skeleton />}
      <Trouble error={record.error ?? (mayRead ? form.error : null)} onRetry={() => void record.reload()} />
      {record.value && form.value && <RecordBlocks form={form.value} values={record.value.fields} />}
      {record.value && group.my.permissions.includes("edit_record") && (
        <button type="button" class="button is-wide" onClick={() => setIsEditing(true)}>
          <Icon name="pencil" />
          {say("card.edit")}
        </button>
      )}
    </div>
  );
}

/** One number and nothing else: two in one line, or words beside it, would dial a wrong one. */
const ONE_NUMBER = /^\+?[\d\s().-]{3,20}$/;

function Fact({ name, words, tel = false }: { name: string; words: string; tel?: boolean }) {
  if (!words) return null;
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>
        {tel && ONE_NUMBER.test(words) ? (
          <a class="tel-link" href={`tel:${words.replace(/[^\d+]/g, "")}`}>
            {words}
          </a>
        ) : (
          words
        )}
      </dd>
    </div>
  );
}

/** The patient's own lines stand above already; the form's head is about the sheet, not the patient. */
const LEFT_OUT = ["header"];

function RecordBlocks({ form, values }: { form: Form; values: Values }) {
  const blocks = form.blocks
    .filter((block) => !LEFT_OUT.includes(block.key))
    .map((block) => ({ block, fields: block.fields.filter((field) => field.type !== "fixed" && isFilled(values[field.key]) && isAsked(field, values)) }))
    .filter(({ fields }) => fields.length > 0);
  if (blocks.length === 0) return <p class="empty">{say("card.empty")}</p>;
  return (
    <>
      {blocks.map(({ block, fields }) => (
        <section key={block.key} class="card-block">
          <h2>{block.title}</h2>
          {byGroup(fields).map(({ group, members }) => (
            <div key={members[0]?.key}>
              {group && <h3 class="fact-group">{group}</h3>}
              <dl class="facts">
                {members.map((field) => (
                  <Fact key={field.key} name={field.label} words={wordsOf(field, values[field.key], say("card.yes"))} tel={/[._]tel$/.test(field.key)} />
                ))}
              </dl>
            </div>
          ))}
        </section>
      ))}
    </>
  );
}

/** Neighbours under one heading of the form. */
function byGroup(fields: FormField[]): { group: string | null; members: FormField[] }[] {
  const groups: { group: string | null; members: FormField[] }[] = [];
  for (const field of fields) {
    const group = field.group && field.group !== field.label ? field.group : null;
    const last = groups.at(-1);
    if (last && last.group === group) last.members.push(field);
    else groups.push({ group, members: [field] });
  }
  return groups;
}

interface EditorProps {
  group: Group;
  record: PatientRecord;
  form: Form;
  onDone: () => void;
}

/** Typed and not saved; kept with the revision it was typed over. */
async function takeTyped(groupId: string): Promise<PatientRecord | null> {
  return take<PatientRecord>("cache", `card:${groupId}`).catch(() => null);
}

function useTypedRecord(group: Group, record: PatientRecord) {
  const [typed, setTyped] = useState<PatientRecord>({ ...record, patient: { ...noPatient, ...record.patient } });
  const isTouched = useRef(false);
  useEffect(() => {
    void takeTyped(group.id).then((kept) => kept && !isTouched.current && setTyped(kept));
  }, [group.id]);
  const type = (fresh: Partial<PatientRecord>) => {
    isTouched.current = true;
    const all = { ...typed, ...fresh };
    setTyped(all);
    void put("cache", `card:${group.id}`, all).catch(() => undefined);
  };
  return { typed, type };
}

function RecordEditor({ group, record, form, onDone }: EditorProps) {
  const { typed, type } = useTypedRecord(group, record);
  const { patient, fields: values } = typed;
  const [open, setOpen] = useState<string | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  async function save(event: SubmitEvent) {
    event.preventDefault();
    const fields = Object.fromEntries(Object.entries(values).filter(([, value]) => isFilled(value)));
    try {
      await send("PUT", `/groups/${group.id}/record`, { patient, fields }, { "If-Match": `"${typed.revision}"` });
      await leave();
    } catch (error) {
      const isOld = error instanceof Problem && [409, 412].includes(error.status);
      // Somebody else's words are newer: the next opening begins with those.
      if (isOld) await drop("cache", `card:${group.id}`).catch(() => undefined);
      setTrouble(isOld ? say("card.conflict") : sentenceOf(error));
    }
  }
  async function leave() {
    await drop("cache", `card:${group.id}`).catch(() => undefined);
    onDone();
  }
  return (
    <form class="page tab-page form" onSubmit={(event) => void save(event)}>
      <PatientFields words={patient} onChange={(words) => type({ patient: words })} />
      <ol class="blocks">
        {form.blocks
          .filter((block) => !LEFT_OUT.includes(block.key))
          .map((block) => (
            <li key={block.key}>
              <EditorBlock
                block={block}
                values={values}
                isOpen={open === block.key}
                onToggle={() => setOpen(open === block.key ? null : block.key)}
                onChange={(fields) => type({ fields })}
              />
            </li>
          ))}
      </ol>
      <Trouble error={trouble} />
      <div class="button-row is-sticky">
        <button type="submit" class="button is-main">
          {say("card.save")}
        </button>
        <button type="button" class="button is-quiet" onClick={() => void leave()}>
          {say("action.cancel")}
        </button>
      </div>
    </form>
  );
}

interface EditorBlockProps {
  block: FormBlock;
  values: Values;
  isOpen: boolean;
  onToggle: () => void;
  onChange: (values: Values) => void;
}

function EditorBlock({ block, values, isOpen, onToggle, onChange }: EditorBlockProps) {
  const id = `edit-${block.key}`;
  return (
    <section class={`block ${isOpen ? "is-open" : ""}`}>
      <h2>
        <button type="button" class="block-head" aria-expanded={isOpen} aria-controls={id} onClick={onToggle}>
          <span class="block-title">{block.title}</span>
        </button>
      </h2>
      {isOpen && (
        <div class="block-fields" id={id}>
          {block.fields
            .filter((field) => isAsked(field, values))
            .map((field) => (
              <FieldControl
                key={field.key}
                field={{ ...field, required: false }}
                value={values[field.key]}
                onChange={(value) => onChange({ ...values, [field.key]: value })}
              />
            ))}
        </div>
      )}
    </section>
  );
}
