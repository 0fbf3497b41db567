/** How long nobody has touched the app. An abandoned phone must end its session, so the app then stops asking. */

/** As long as the server lets a session live without a request. */
export const IDLE_MILLISECONDS = 30 * 60_000;
/** The time of the last touch is written down at most this often. */
const NOTE_MILLISECONDS = 10_000;
/** A moment only, nothing about anybody; shared by all tabs of the app and known after a restart. */
const SHELF = "casenet-touched";

let noted = 0;

/** A finger, a key, or a call that rings: somebody is expected here. */
export function touched(now = Date.now()): void {
  if (now - noted < NOTE_MILLISECONDS && now >= noted) return;
  noted = now;
  try {
    localStorage.setItem(SHELF, String(now));
  } catch {
    // Without this shelf only this tab knows.
  }
}

/** Has anybody ever been signed in here, as far as the phone remembers? */
export function wasTouched(): boolean {
  return Math.max(noted, shared()) > 0;
}

export function isUntouched(now = Date.now()): boolean {
  const last = Math.max(noted, shared());
  return last > 0 && now - last >= IDLE_MILLISECONDS;
}

function shared(): number {
  try {
    return Number(localStorage.getItem(SHELF)) || 0;
  } catch {
    return 0;
  }
}

/** From the first sign-in on: before, there is no session that a touch could keep. */
export function watchTouches(): void {
  for (const name of ["pointerdown", "keydown", "input", "wheel", "touchmove"]) {
    window.addEventListener(name, () => wasTouched() && touched(), { passive: true, capture: true });
  }
}
