/** One sheet: what is filled, where it came from, what is missing; then to the hospital, and its receipt. */

import { useEffect, useState } from "preact/hooks";
import texts from "../../../casenet/words/ja/screens_sheets.json";
import { get } from "../ground/api";
import { type Form, type FormBlock, isAsked, isFilled, isMissing, loadForm, type Values } from "../ground/forms";
import { sheetChanged } from "../ground/live";
import { href } from "../ground/router";
import type { Group } from "../ground/shapes";
import { clock, dayName } from "../ground/time";
import { speaker } from "../ground/words";
import { Icon } from "../parts/icons";
import { Skeleton } from "../parts/later";
import { useLoaded } from "../parts/loading";
import { Trouble } from "../parts/problem";
import { loadGroup } from "../timeline/groups";
import type { Fee, Sheet } from "../timeline/sheets";
import { PatientGuard } from "./group";
import { HandoverPart } from "./handover";
import { SheetField } from "./sheet_field";
import { SheetState } from "./sheets";
import { type Saving, useSheet } from "./use_sheet";

const say = speaker(texts);
const PAPER_AFTER_MILLISECONDS = 2_000;

export function SheetPage({ sheetId }: { sheetId: string }) {
  const touched = sheetChanged.value.id === sheetId ? sheetChanged.value.count : 0;
  const loaded = useLoaded(async () => {
    const [sheet, form] = await Promise.all([get<Sheet>(`/sheets/${sheetId}`), loadForm()]);
    return { sheet, form, group: await loadGroup(sheet.group_id) };
  }, [sheetId]);
  if (loaded.error && !loaded.value) {
    return (
      <div class="page">
        <h1 tabIndex={-1}>{say("admission")}</h1>
        <Trouble error={loaded.error} onRetry={() => void loaded.reload()} />
      </div>
    );
  }
  if (!loaded.value) return <Skeleton />;
  return <SheetEditor {...loaded.value} touched={touched} />;
}

interface EditorProps {
  sheet: Sheet;
  form: Form;
  group: Group;
  touched: number;
}

function SheetEditor({ sheet: first, form, group, touched }: EditorProps) {
  const { sheet, values, clashes, faults, saving, change, take, replace } = useSheet(first, touched);
  const [open, setOpen] = useState<string | null>(null);
  const isDraft = sheet.state === "draft";
  const [isPaperOpen, setIsPaperOpen] = useState(false);
  const isWide = useIsWide();
  // Once it has gone, what counts is what becomes of it.
  useEffect(() => setOpen(null), [isDraft]);
  const isLocked = !isDraft || !group.my.permissions.includes("sheet");
  return (
    <section class={`page sheet-page ${isWide && isPaperOpen ? "has-paper" : ""}`} aria-labelledby="sheet-title">
      <header class="sheet-head">
        <a class="icon-button" href={href("groups", group.id, "sheets")} aria-label={say("back")}>
          <Icon name="back" />
        </a>
        <h1 id="sheet-title" tabIndex={-1}>
          {form.title}
        </h1>
        <SheetState state={sheet.state} />
      </header>
      <PatientGuard patient={group.patient} word="guard.sheet" />
      {isDraft && <SavingLine saving={saving} sheet={sheet} />}
      {isDraft && sheet.fee && <FeeLine fee={sheet.fee} />}
      {!isDraft && <HandoverPart sheet={sheet} missing={[]} isSaved onChange={replace} />}
      {isWide && (
        <button type="button" class="button" aria-expanded={isPaperOpen} onClick={() => setIsPaperOpen(!isPaperOpen)}>
          <Icon name="sheet" />
          {say(isPaperOpen ? "paper_close" : "paper")}
        </button>
      )}
      {isWide && isPaperOpen && <Paper sheet={sheet} />}
      <ol class="blocks">
        {form.blocks.map((block) => (
          <li key={block.key}>
            <Block
              block={block}
              sheet={sheet}
              values={values}
              clashes={clashes}
              faults={faults}
              isOpen={open === block.key}
              isLocked={isLocked}
              members={group.members}
              onToggle={() => setOpen(open === block.key ? null : block.key)}
              onChange={change}
              onTake={take}
            />
          </li>
        ))}
      </ol>
      <footer class="sheet-foot">
        <a class="button is-wide" href={paperPath(sheet)} target="_blank" rel="noopener">
          <Icon name="sheet" />
          {isDraft ? say("preview") : say("document")}
        </a>
        {isDraft && !isLocked && <HandoverPart sheet={sheet} missing={labelsOf(form, sheet.missing)} isSaved={saving === "saved"} onChange={replace} />}
      </footer>
    </section>
  );
}

function paperPath(sheet: Sheet): string {
  return `/api/v1/sheets/${sheet.id}/${sheet.state === "draft" ? "preview" : "document"}.pdf`;
}

/** The sheet as it is printed, beside its blocks; drawn anew when typing has come to rest and is saved. */
function Paper({ sheet }: { sheet: Sheet }) {
  const [version, setVersion] = useState(sheet.version);
  useEffect(() => {
    const timer = setTimeout(() => setVersion(sheet.version), PAPER_AFTER_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [sheet.version]);
  return <iframe key={`${sheet.state}${version}`} class="paper" title={say("paper")} src={`${paperPath(sheet)}#toolbar=0&navpanes=0&view=FitH`} />;
}

/** Is there room for the paper beside the blocks? */
function useIsWide(): boolean {
  const [query] = useState(() => window.matchMedia("(width >= 1100px)"));
  const [isWide, setIsWide] = useState(query.matches);
  useEffect(() => {
    const look = () => setIsWide(query.matches);
    query.addEventListener("change", look);
    return () => query.removeEventListener("change", look);
  }, [query]);
  return isWide;
}

/** The clock of the fee: until when the sheet is worth how much. */
function FeeLine({ fee }: { fee: Fee }) {
  const [until, units] = fee.tier === "second" ? [fee.second_until, fee.second_units] : [fee.first_until, fee.first_units];
  if (!until || !units || fee.tier === "none") return null;
  return (
    <p class="fee-line">
      <Icon name="clock" />
      {say(fee.unsure ? "fee_unsure" : "fee", { day: dayName(`${until}T12:00:00+09:00`), units })}
    </p>
  );
}

function SavingLine({ saving, sheet }: { saving: Saving; sheet: Sheet }) {
  return (
    <p class={`saving is-${saving}`} role="status">
      {saving === "conflict" && <Icon name="warning" />}
      {saving === "saved" ? say("saved", { time: clock(sheet.updated_at) }) : say(`saving_${saving}`)}
    </p>
  );
}

function labelsOf(form: Form, keys: string[]): string[] {
  const fields = form.blocks.flatMap((block) => block.fields);
  return keys.map((key) => fields.find((field) => field.key === key)?.label ?? key);
}

/** Every block of the paper is "about" something: on a phone the word costs a line and says nothing. */
function shortTitle(title: string): string {
  // U+2060: a line may end with the stroke between two words, but not begin with it.
  return title.replace(say("about"), "").replaceAll("／", "\u2060／");
}

interface BlockProps {
  block: FormBlock;
  sheet: Sheet;
  values: Values;
  clashes: Values;
  faults: Record<string, string>;
  isOpen: boolean;
  isLocked: boolean;
  members: Group["members"];
  onToggle: () => void;
  onChange: (key: string, value: Values[string]) => void;
  onTake: (key: string, value: Values[string]) => void;
}

function Block({ block, sheet, values, clashes, faults, isOpen, isLocked, members, onToggle, onChange, onTake }: BlockProps) {
  const asked = block.fields.filter((field) => isAsked(field, values));
  const missing = asked.filter((field) => isMissing(field, values)).length;
  const offered = asked.filter((field) => sheet.offers[field.key] !== undefined || clashes[field.key] !== undefined).length;
  const filled = asked.filter((field) => isFilled(values[field.key])).length;
  const id = `block-${block.key}`;
  let group = "";
  return (
    <section class={`block ${isOpen ? "is-open" : ""}`}>
      <h2>
        <button type="button" class="block-head" aria-expanded={isOpen} aria-controls={id} onClick={onToggle}>
          <span class="block-title">
            {block.number !== null && <span class="block-number">{block.number}</span>}
            <span class="block-words">{shortTitle(block.title)}</span>
          </span>
          <span class="block-signs">
            {offered > 0 && <span class="block-sign is-confirm">{say("to_confirm", { count: offered })}</span>}
            {missing > 0 && <span class="block-sign is-missing">{say("to_fill", { count: missing })}</span>}
            {missing === 0 && offered === 0 && (
              <span class="block-sign is-done">
                <Icon name="check" />
                {filled > 0 ? say("filled") : say("nothing_needed")}
              </span>
            )}
          </span>
        </button>
      </h2>
      {isOpen && (
        <div class="block-fields" id={id}>
          {asked.map((field) => {
            const heading = field.group && field.group !== group && field.group !== field.label ? field.group : null;
            group = field.group ?? "";
            return (
              <div key={field.key}>
                {heading && <h3 class="field-group">{heading}</h3>}
                <SheetField
                  field={field}
                  value={values[field.key]}
                  source={sheet.sources[field.key]}
                  offer={sheet.offers[field.key]}
                  clash={clashes[field.key]}
                  fault={faults[field.key]}
                  isLocked={isLocked}
                  members={members}
                  onChange={(value) => onChange(field.key, value)}
                  onTake={(value) => onTake(field.key, value)}
                />
              </div>
            );
          })}
        </div>
      )}
    </section>
  );
}
