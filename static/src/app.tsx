/** The frame: what stands on every screen, and which screen is open. */

import { useEffect, useRef, useState } from "preact/hooks";
import { AlertBanner } from "./screens/alert_banner";
import { GroupPage } from "./screens/group";
import { GroupsList } from "./screens/groups";
import { SignIn } from "./screens/sign_in";
import { hasSignal } from "./ground/live";
import { go, href, route } from "./ground/router";
import { isOffline, me, session } from "./ground/session";
import { saidTime } from "./ground/time";
import { say, type Word } from "./ground/words";
import { Icon, type IconName } from "./parts/icons";
import { Later } from "./parts/later";
import { openAlertIds, rang } from "./timeline/alerts";
import { groupLines, groupsAsOf } from "./timeline/groups";

export function App() {
  const parts = route.value;
  if (parts[0] === "invitations" && parts[1]) {
    return <Later load={() => import("./screens/enrol")} name="Enrol" props={{ token: parts[1] }} />;
  }
  if (session.value === "starting") return <Starting />;
  if (session.value === "out" || !me.value) return <SignIn />;
  return <Shell parts={parts} />;
}

function Starting() {
  return (
    <main class="starting" aria-busy="true">
      <h1>{say("app.name")}</h1>
      <div class="skeleton is-title" />
      <div class="skeleton" />
      <div class="skeleton" />
      <div class="skeleton" />
    </main>
  );
}

const PLACES: { name: string; icon: IconName; word: Word }[] = [
  { name: "groups", icon: "groups", word: "nav.groups" },
  { name: "alerts", icon: "call", word: "nav.alerts" },
  { name: "sheets", icon: "sheet", word: "nav.sheets" },
  { name: "duty", icon: "duty", word: "nav.duty" },
  { name: "me", icon: "self", word: "nav.me" },
];

function Shell({ parts }: { parts: string[] }) {
  const place = parts[0] ?? "groups";
  const isDeep = parts.length > 1;
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  const key = parts.slice(0, 2).join("/");
  useEffect(() => {
    const isStart = isFirst.current;
    isFirst.current = false;
    // Never a patient's name: titles stay in the browser's history and in the list of open apps.
    const word = PLACES.find((other) => other.name === place)?.word;
    document.title = word ? `${say(word)} | ${say("app.name")}` : say("app.name");
    return whenTitled(main.current, place === "groups" && isDeep, (title) => {
      // A screen reader hears where it is; the first screen keeps the browser's own start.
      if (!isStart) title.focus({ preventScroll: true });
    });
  }, [key]);
  return (
    <div class={`shell ${isDeep ? "is-deep" : ""} is-${place}`}>
      <a class="skip-link" href="#main" onClick={(event) => skip(event, main.current)}>
        {say("nav.skip")}
      </a>
      <header class="shell-top">
        <SignalBar />
        <AlertBanner />
      </header>
      <Navigation place={place} />
      <main id="main" ref={main} class="main" tabIndex={-1}>
        <Screen parts={parts} />
      </main>
      <LiveRegion />
    </div>
  );
}

/** Calls back with the title of the open page as soon as there is one. Beside the list, a group's title is meant. */
function whenTitled(main: HTMLElement | null, isGroup: boolean, found: (title: HTMLElement) => void): () => void {
  const look = () => main?.querySelector<HTMLElement>(isGroup ? ":is(.group-page, .page) h1" : "h1");
  const title = look();
  if (title || !main) {
    if (title) found(title);
    return () => undefined;
  }
  const observer = new MutationObserver(() => {
    const late = look();
    if (!late) return;
    observer.disconnect();
    found(late);
  });
  observer.observe(main, { childList: true, subtree: true });
  return () => observer.disconnect();
}

function skip(event: Event, main: HTMLElement | null) {
  event.preventDefault();
  main?.focus();
}

function Navigation({ place }: { place: string }) {
  const unread = groupLines.value.reduce((sum, line) => sum + line.unread, 0);
  const counts: Record<string, number> = { groups: unread, alerts: openAlertIds.value.length };
  return (
    <nav class="navigation" aria-label={say("nav.label")}>
      {PLACES.map(({ name, icon, word }) => (
        <a key={name} href={href(name)} class="navigation-item" aria-current={place === name ? "page" : undefined}>
          <span class="navigation-icon">
            <Icon name={icon} />
            {(counts[name] ?? 0) > 0 && (
              <span class={`count-badge ${name === "alerts" ? "is-danger" : ""}`}>
                {counts[name]! > 99 ? "99+" : counts[name]}
              </span>
            )}
          </span>
          <span>{say(word)}</span>
        </a>
      ))}
    </nav>
  );
}

function SignalBar() {
  const [isLong, setIsLong] = useState(false);
  const isAway = isOffline.value || !hasSignal.value;
  useEffect(() => {
    // A blink of the network is nobody's business.
    const timer = setTimeout(() => setIsLong(isAway), isAway ? 1_500 : 0);
    return () => clearTimeout(timer);
  }, [isAway]);
  if (!isAway || !isLong) return null;
  const asOf = groupsAsOf.value;
  return (
    <p class="signal-bar" role="status">
      {asOf ? say("signal.away_as_of", { time: saidTime(asOf) }) : say("signal.away")}
    </p>
  );
}

function LiveRegion() {
  const count = rang.value.count;
  return (
    <div class="hidden" role="status" aria-live="assertive">
      {count > 0 && openAlertIds.value.includes(rang.value.id) ? say("alert.rang") : ""}
    </div>
  );
}

function Screen({ parts }: { parts: string[] }) {
  const [place, first, second, third] = parts;
  switch (place) {
    case "alerts":
      return first ? (
        <Later key={first} load={() => import("./screens/alert")} name="AlertPage" props={{ alertId: first }} />
      ) : (
        <Later key="alerts" load={() => import("./screens/alert")} name="AlertsList" props={{}} />
      );
    case "sheets":
      return first ? (
        <Later key={first} load={() => import("./screens/sheet")} name="SheetPage" props={{ sheetId: first }} />
      ) : (
        <Later key="sheets" load={() => import("./screens/sheets")} name="SheetsList" props={{}} />
      );
    case "duty":
      return <Later key="duty" load={() => import("./screens/duty")} name="DutyPage" props={{}} />;
    case "me":
      return first === "office" ? (
        <Later key="office" load={() => import("./screens/office")} name="OfficePage" props={{}} />
      ) : (
        <Later key="me" load={() => import("./screens/me")} name="MePage" props={{}} />
      );
    case "groups":
      if (first === "new") return <Later key="new" load={() => import("./screens/new_group")} name="NewGroup" props={{}} />;
      if (first && second === "urgent") {
        return <Later key={`u${first}`} load={() => import("./screens/urgent")} name="UrgentPage" props={{ groupId: first }} />;
      }
      return (
        <div class="side-by-side">
          <GroupsList openId={first ?? null} />
          {first ? <GroupPage key={first} groupId={first} tab={second ?? "record"} /> : <NothingOpen />}
        </div>
      );
    default:
      void third;
      queueMicrotask(() => go("groups"));
      return null;
  }
}

function NothingOpen() {
  return (
    <section class="nothing-open" aria-label={say("group.none_open")}>
      <p>{say("group.none_open")}</p>
    </section>
  );
}
