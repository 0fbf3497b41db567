import { afterEach, describe, expect, it, vi } from "vitest";
import { clearGroups, loadGroups } from "../timeline/groups";
import { check } from "./live";

describe("looking whether the list is old", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    clearGroups();
  });

  it("waits for the reading that is on its way instead of asking again", async () => {
    const asked: string[] = [];
    let answerList: (list: Response) => void = () => undefined;
    vi.stubGlobal("fetch", (path: string) => {
      asked.push(path);
      if (path.endsWith("/groups")) return new Promise<Response>((resolve) => (answerList = resolve));
      return Promise.resolve(new Response('{"groups":[{"id":"one","last_sequence":3,"last_mark":0}],"open_alerts":[]}'));
    });

    const reading = loadGroups();
    const looking = check("connected");
    await vi.waitFor(() => expect(asked).toContain("/api/v1/groups/state"));
    answerList(new Response('{"groups":[{"id":"one","last_sequence":3,"last_mark":0}]}'));
    await Promise.all([reading, looking]);

    expect(asked.filter((path) => path.endsWith("/groups"))).toHaveLength(1);
  });

  it("asks again when what came is older than the numbers", async () => {
    let asked = 0;
    vi.stubGlobal("fetch", (path: string) => {
      if (path.endsWith("/groups")) asked += 1;
      const groups = path.endsWith("/state") ? '[{"id":"one","last_sequence":4,"last_mark":0}]' : '[{"id":"one","last_sequence":3,"last_mark":0}]';
      return Promise.resolve(new Response(`{"groups":${groups},"open_alerts":[]}`));
    });

    await loadGroups();
    await check("connected");

    expect(asked).toBe(2);
  });
});
