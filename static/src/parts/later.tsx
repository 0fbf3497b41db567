/** A screen that is fetched when it is first opened, so that the first screen stays small. */

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { NoSignal } from "../ground/api";
import { Trouble } from "./problem";

interface LaterProps<Name extends string, Props> {
  load: () => Promise<Record<Name, ComponentType<Props>>>;
  name: Name;
  props: Props;
}

export function Later<Name extends string, Props>({ load, name, props }: LaterProps<Name, Props>) {
  const [Loaded, setLoaded] = useState<ComponentType<Props> | null>(null);
  const [isLost, setIsLost] = useState(false);
  const fetchIt = () =>
    load().then(
      (module) => setLoaded(() => module[name]),
      () => setIsLost(true),
    );
  useEffect(() => void fetchIt(), []);
  if (isLost) return <Trouble error={new NoSignal()} onRetry={() => location.reload()} />;
  if (!Loaded) return <Skeleton />;
  return <Loaded {...(props as Props & object)} />;
}

export function Skeleton() {
  return (
    <div class="page" aria-busy="true">
      <div class="skeleton is-title" />
      <div class="skeleton" />
      <div class="skeleton" />
    </div>
  );
}
