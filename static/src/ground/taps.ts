/** A trembling finger taps twice. The second tap must not press what has just come to lie under it. */

const TWICE_MILLISECONDS = 400;
const TWICE_PIXELS = 24;

export interface Tap {
  at: number;
  x: number;
  y: number;
  control: unknown;
}

/** The second of two taps on one spot, on something else than the first: nobody meant it. */
export function isStray(first: Tap | null, second: Tap): boolean {
  if (!first || first.control === second.control) return false;
  const isSoon = second.at - first.at < TWICE_MILLISECONDS;
  return isSoon && Math.hypot(second.x - first.x, second.y - first.y) < TWICE_PIXELS;
}

/** What a tap there presses. The browser clicks a label's control right after the label: both are one tap. */
function controlOf(target: Element): Element {
  const control = target.closest("button, a, label, input, select, textarea, summary") ?? target;
  return control instanceof HTMLLabelElement ? (control.control ?? control) : control;
}

export function watchTaps(): void {
  let last: Tap | null = null;
  const look = (event: MouseEvent) => {
    // The keyboard presses what it stands on, and a script means what it does.
    if (event.detail === 0 || !event.isTrusted || !(event.target instanceof Element)) return;
    const tap = { at: event.timeStamp, x: event.clientX, y: event.clientY, control: controlOf(event.target) };
    const isStrayTap = isStray(last, tap);
    last = isStrayTap ? last : tap;
    if (!isStrayTap) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  document.addEventListener("click", look, { capture: true });
  // Who has typed in between means the next tap.
  document.addEventListener("input", () => (last = null), { capture: true });
}
