/** Above every screen while somebody waits for help. */

import { href, route } from "../ground/router";
import { say, term } from "../ground/words";
import { Icon } from "../parts/icons";
import { alertLines, isOpen } from "../timeline/alerts";

export function AlertBanner() {
  const parts = route.value;
  const open = alertLines.value.filter((line) => isOpen(line) && !(parts[0] === "alerts" && parts[1] === line.id));
  const first = open.find((line) => line.state === "open") ?? open[0];
  if (!first || (parts[0] === "alerts" && !parts[1])) return null;
  const isWaiting = first.state === "open";
  return (
    <a class={`alert-banner ${isWaiting ? "is-waiting" : ""}`} href={open.length > 1 ? href("alerts") : href("alerts", first.id)}>
      <Icon name="warning" />
      <span class="alert-banner-words">
        <b>{isWaiting ? say("alert.banner_waiting") : say("alert.banner_running")}</b>
        <span>
          {first.patient ? `${first.patient.name}${say("patient.honorific")}　` : ""}
          {term("level", first.level)}
          {open.length > 1 ? `　${say("alert.banner_more", { count: open.length })}` : ""}
        </span>
      </span>
      <span class="alert-banner-go">{say("alert.look")}</span>
    </a>
  );
}
