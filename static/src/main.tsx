/** The phone app begins here. */

import { render } from "preact";
import { App } from "./app";
import { whenSignedOut } from "./ground/api";
import { watchTouches } from "./ground/idle";
import { goLive, goQuiet } from "./ground/live";
import { expelled, start, whenArrived } from "./ground/session";
import { registerWorker, watchNotifications } from "./ground/notifications";
import { watchTaps } from "./ground/taps";
import "./styles/all.css";
import { clearAlerts, loadAlerts, showKeptAlerts } from "./timeline/alerts";
import { clearGroups, loadGroups, showKeptGroups } from "./timeline/groups";
import { closeOutbox, flush, openOutbox, whenSent } from "./timeline/outbox";
import { dropAllTimelines, openTimelines } from "./timeline/timeline";

whenSignedOut(() => expelled());

whenArrived(
  async () => {
    await Promise.all([showKeptGroups(), showKeptAlerts(), openOutbox()]);
    goLive();
    void loadGroups().catch(() => undefined);
    void loadAlerts().catch(() => undefined);
    void flush();
  },
  () => {
    goQuiet();
    closeOutbox();
    clearGroups();
    clearAlerts();
    dropAllTimelines();
  },
);

whenSent(async (letter) => {
  // The answer came before the socket told: fetch, so that the post never vanishes in between.
  const timeline = openTimelines().find((open) => open.groupId === letter.group_id);
  await timeline?.catchUp().catch(() => undefined);
  if (letter.type === "mark") void loadGroups().catch(() => undefined);
  if (letter.type === "alert") void loadAlerts().catch(() => undefined);
});

const root = document.getElementById("app")!;
// What the page showed before its script was there.
root.replaceChildren();
render(<App />, root);
watchTouches();
watchTaps();
watchNotifications();
// The worker fetches every file of the app: after what the first screen needs.
void start().finally(registerWorker);
