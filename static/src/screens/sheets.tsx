/** Sheets: mine across all groups, or those of one group; and beginning a new one. */

import { useState } from "preact/hooks";
import texts from "../../../casenet/words/ja/screens_sheets.json";
import { get, post } from "../ground/api";
import { newId } from "../ground/ids";
import { sheetChanged } from "../ground/live";
import { go, href } from "../ground/router";
import type { Group } from "../ground/shapes";
import { saidTime } from "../ground/time";
import { speaker } from "../ground/words";
import { Icon } from "../parts/icons";
import { useLoaded } from "../parts/loading";
import { Trouble } from "../parts/problem";
import { groupLines } from "../timeline/groups";
import type { Sheet, SheetLine } from "../timeline/sheets";

const say = speaker(texts);

export function SheetsList() {
  const loaded = useLoaded(() => get<{ sheets: SheetLine[] }>("/sheets"), [sheetChanged.value.count]);
  const sheets = loaded.value?.sheets ?? [];
  return (
    <section class="page" aria-labelledby="sheets-title">
      <header class="page-head">
        <h1 id="sheets-title" tabIndex={-1}>
          {say("title")}
        </h1>
      </header>
      <Trouble error={loaded.error} onRetry={() => void loaded.reload()} />
      {!loaded.value && !loaded.error && <div class="skeleton is-row" />}
      <Lines sheets={sheets} isNamed />
      {loaded.value && sheets.length === 0 && (
        <div class="empty">
          <p>{say("none")}</p>
          <p class="field-note">{say("none_note")}</p>
        </div>
      )}
    </section>
  );
}

export function GroupSheets({ group }: { group: Group }) {
  const path = `/groups/${group.id}/sheets`;
  const loaded = useLoaded(() => get<{ sheets: SheetLine[] }>(path), [path, sheetChanged.value.count]);
  const [trouble, setTrouble] = useState<unknown>(null);
  const [isBusy, setIsBusy] = useState(false);
  async function begin() {
    setIsBusy(true);
    try {
      const sheet = await post<Sheet>(path, { id: newId(), kind: "admission" });
      go("sheets", sheet.id);
    } catch (error) {
      setTrouble(error);
      setIsBusy(false);
    }
  }
  return (
    <div class="page tab-page">
      {group.my.permissions.includes("sheet") && (
        <button type="button" class="button is-main is-wide" disabled={isBusy} onClick={() => void begin()}>
          <Icon name="plus" />
          {isBusy ? say("drafting") : say("begin")}
        </button>
      )}
      <Trouble error={trouble ?? loaded.error} onRetry={() => void loaded.reload()} />
      <Lines sheets={loaded.value?.sheets ?? []} isNamed={false} />
      {loaded.value?.sheets.length === 0 && <p class="empty">{say("none")}</p>}
    </div>
  );
}

function Lines({ sheets, isNamed }: { sheets: SheetLine[]; isNamed: boolean }) {
  return (
    <ul class="rows">
      {sheets.map((sheet) => (
        <li key={sheet.id}>
          <a class="group-row" href={href("sheets", sheet.id)}>
            <span class="group-row-head">
              <span class="group-row-name">{isNamed ? nameOf(sheet) : say("admission")}</span>
              <time class="group-row-time">{saidTime(sheet.updated_at)}</time>
            </span>
            <span class="group-row-foot">
              <span class="group-row-last">
                {[isNamed ? say("admission") : "", sheet.facility ? say("to", { name: sheet.facility.name }) : ""].filter(Boolean).join("　")}
              </span>
              <SheetState state={sheet.state} />
            </span>
          </a>
        </li>
      ))}
    </ul>
  );
}

function nameOf(sheet: SheetLine): string {
  const line = groupLines.value.find((other) => other.id === sheet.group_id);
  return line?.patient.name ?? say("admission");
}

export function SheetState({ state }: { state: Sheet["state"] }) {
  return <span class={`sheet-state is-${state}`}>{say(`state_${state}`)}</span>;
}
