/** Which screen is open. Kept behind the # so that no id ever stands in a server's log. */

import { computed, signal } from "@preact/signals";

const path = signal(currentPath());

function currentPath(): string {
  if (typeof location === "undefined") return "/groups";
  // An invitation arrives as a real address, because it is opened from a mail or a note.
  const invitation = location.pathname.match(/^\/invitations\/([^/]+)/);
  if (invitation) return `/invitations/${invitation[1]}`;
  return location.hash.startsWith("#/") ? location.hash.slice(1) : "/groups";
}

if (typeof window !== "undefined") {
  window.addEventListener("hashchange", () => (path.value = currentPath()));
}

/** The open screen as words: "/groups/42/sheets" is ["groups", "42", "sheets"]. */
export const route = computed(() => path.value.split("?")[0]!.split("/").filter(Boolean));

export function href(...parts: string[]): string {
  return `#/${parts.join("/")}`;
}

export function go(...parts: string[]): void {
  if (location.pathname !== "/") {
    location.assign(`/${href(...parts)}`);
    return;
  }
  location.hash = href(...parts);
  // Drawn at once; the browser tells about the new hash a little later.
  path.value = currentPath();
}

/** Like go(), but the way back does not lead here again. */
export function goInstead(...parts: string[]): void {
  history.replaceState(null, "", href(...parts));
  path.value = currentPath();
}
