/** The lamp of the night call: is somebody really watching? Without proof for ten minutes it warns by itself. */

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { send } from "../ground/api";
import { clock } from "../ground/time";
import { say } from "../ground/words";
import { Icon } from "../parts/icons";
import { useNow } from "../parts/loading";

const ASK_MILLISECONDS = 60_000;
const PROOF_GOOD_FOR_MILLISECONDS = 10 * 60_000;

/** When the server last proved that nothing is overdue, and what it said at the last asking. */
const provenAt = signal<number | null>(null);
const saidLate = signal(false);
const startedAt = Date.now();

async function ask(): Promise<void> {
  try {
    await send("GET", "/health/late");
    provenAt.value = Date.now();
    saidLate.value = false;
  } catch (error) {
    // The server answered and is late; without signal nothing is known, and the ten minutes run.
    if (error instanceof Error && "status" in error) saidLate.value = true;
  }
}

export function Lamp() {
  const now = useNow(15_000);
  useEffect(() => {
    void ask();
    const timer = setInterval(() => void ask(), ASK_MILLISECONDS);
    return () => clearInterval(timer);
  }, []);
  const proven = provenAt.value;
  const isOld = now - (proven ?? startedAt) > PROOF_GOOD_FOR_MILLISECONDS;
  if (saidLate.value || isOld) {
    return (
      <p class="lamp is-warning" role="status">
        <Icon name="warning" />
        <span>{proven ? say("lamp.warning", { time: clock(proven) }) : say("lamp.warning_never")}</span>
      </p>
    );
  }
  return (
    <p class="lamp">
      <span class="lamp-light" aria-hidden="true" />
      <span>{proven ? say("lamp.good", { time: clock(proven) }) : say("lamp.asking")}</span>
    </p>
  );
}
