/** One question of a form, whatever its type. */

import { useId } from "preact/hooks";
import type { FormField, Option, Value } from "../ground/forms";
import { say } from "../ground/words";
import { Icon } from "./icons";

const TEXT_MAX = 2_000;
const ROWS_MAX = 12;

interface FieldProps {
  field: FormField;
  value: Value | undefined;
  onChange: (value: Value) => void;
  isLocked?: boolean;
  describedBy?: string;
}

export function FieldControl(props: FieldProps) {
  const { field } = props;
  switch (field.type) {
    case "fixed":
      return <p class="fixed-text">{field.label}</p>;
    case "choice":
      return <Choice {...props} />;
    case "choices":
      return <Choices {...props} />;
    case "flag":
      return <Flag {...props} />;
    case "rows":
      return <Rows {...props} />;
    default:
      return <Written {...props} />;
  }
}

function Title({ field }: { field: FormField }) {
  return (
    <>
      {field.label}
      {field.starred && <span aria-hidden="true">＊</span>}
      {field.required && <span class="required-sign">{say("form.required")}</span>}
    </>
  );
}

const INPUT_TYPES: Record<string, "date" | "time"> = { date: "date", time: "time" };

function Written({ field, value, onChange, isLocked, describedBy }: FieldProps) {
  const id = useId();
  const common = {
    id,
    disabled: isLocked,
    maxLength: field.type === "number" ? undefined : (field.max ?? TEXT_MAX),
    "aria-describedby": describedBy,
    "aria-required": field.required,
  };
  const text = value === null || value === undefined ? "" : String(value);
  return (
    <div class="field">
      <label class="field-label" for={id}>
        <Title field={field} />
      </label>
      {field.note && <span class="field-note">{field.note}</span>}
      {field.type === "long_text" ? (
        <textarea {...common} rows={3} value={text} onInput={(event) => onChange(event.currentTarget.value || null)} />
      ) : (
        <span class="with-unit">
          <input
            {...common}
            type={(INPUT_TYPES[field.type] ?? "text") as "text"}
            inputMode={field.type === "number" ? "decimal" : "text"}
            class={field.type === "number" ? "is-number" : ""}
            value={text}
            onInput={(event) => onChange(typed(field, event.currentTarget.value))}
          />
          {field.unit && <span>{field.unit}</span>}
        </span>
      )}
    </div>
  );
}

/** A number when it is one; what is not yet a number stays as typed, and the server says so. */
function typed(field: FormField, text: string): Value {
  if (text === "") return null;
  if (field.type !== "number") return text;
  const number = Number(text.normalize("NFKC"));
  return Number.isFinite(number) ? number : text;
}

function Choice({ field, value, onChange, isLocked, describedBy }: FieldProps) {
  const name = useId();
  return (
    <fieldset class="field" disabled={isLocked} aria-describedby={describedBy}>
      <legend class="field-label">
        <Title field={field} />
      </legend>
      {field.note && <span class="field-note">{field.note}</span>}
      <div class="choices">
        {(field.options ?? []).map((option: Option) => (
          <label key={option.code} class="choice">
            <input
              type="radio"
              name={name}
              checked={value === option.code}
              onChange={() => onChange(option.code)}
              onClick={() => value === option.code && onChange(null)}
            />
            <span>{option.label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function Choices({ field, value, onChange, isLocked, describedBy }: FieldProps) {
  const chosen = Array.isArray(value) ? value.map(String) : [];
  const toggle = (code: string) => onChange(chosen.includes(code) ? chosen.filter((other) => other !== code) : [...chosen, code]);
  return (
    <fieldset class="field" disabled={isLocked} aria-describedby={describedBy}>
      <legend class="field-label">
        <Title field={field} />
      </legend>
      {field.note && <span class="field-note">{field.note}</span>}
      <div class="choices">
        {(field.options ?? []).map((option) => (
          <label key={option.code} class="choice">
            <input type="checkbox" checked={chosen.includes(option.code)} onChange={() => toggle(option.code)} />
            <span>{option.label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function Flag({ field, value, onChange, isLocked }: FieldProps) {
  return (
    <div class="field">
      <label class="choice">
        <input type="checkbox" disabled={isLocked} checked={value === true} onChange={(event) => onChange(event.currentTarget.checked)} />
        <span>
          <Title field={field} />
        </span>
      </label>
      {field.note && <span class="field-note">{field.note}</span>}
    </div>
  );
}

function Rows({ field, value, onChange, isLocked }: FieldProps) {
  const rows = Array.isArray(value) ? (value as Record<string, string>[]) : [];
  const columns = field.columns ?? [];
  const put = (place: number, key: string, text: string) =>
    onChange(rows.map((row, other) => (other === place ? { ...row, [key]: text } : row)));
  return (
    <fieldset class="field" disabled={isLocked}>
      <legend class="field-label">
        <Title field={field} />
      </legend>
      {field.note && <span class="field-note">{field.note}</span>}
      {rows.map((row, place) => (
        <div key={place} class="row-fields" role="group" aria-label={say("form.row", { count: place + 1 })}>
          {columns.map((column) => (
            <label key={column.key} class="field">
              <span class="field-label">{column.label}</span>
              <input
                type="text"
                maxLength={column.max}
                value={row[column.key] ?? ""}
                onInput={(event) => put(place, column.key, event.currentTarget.value)}
              />
            </label>
          ))}
          <button type="button" class="button is-quiet" onClick={() => onChange(rows.filter((_, other) => other !== place))}>
            {say("form.drop_row")}
          </button>
        </div>
      ))}
      {rows.length < (field.max ?? ROWS_MAX) && (
        <button
          type="button"
          class="button"
          onClick={() => onChange([...rows, Object.fromEntries(columns.map((column) => [column.key, ""]))])}
        >
          <Icon name="plus" />
          {say("form.add_row")}
        </button>
      )}
    </fieldset>
  );
}
