import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, describe, expect, it, vi } from "vitest";
import { openFor } from "../ground/database";
import { DutyPage } from "./duty";

const people = { fujita: { name: "藤田 翔", profession: "nurse", facility_name: "みなも" } };
const shift = { id: "shift", duty: "home_nursing_on_call", person_id: "fujita", rank: "first" };
const answers: Record<string, unknown> = {
  "/api/v1/duty": {
    facility_id: "minamo",
    shifts: [{ ...shift, starts_at: "2026-11-22T09:00:00Z", ends_at: "2026-11-23T00:00:00Z" }],
    overrides: [],
    gaps: [],
    people,
  },
  "/api/v1/duty/now": { facility_id: "minamo", on_call: [{ ...shift, tel: "03-0000-0000" }], people },
};

describe("who is on call now", () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  async function shown(): Promise<string> {
    const root = document.createElement("div");
    await act(() => render(<DutyPage />, root));
    await act(() => new Promise((resolve) => setTimeout(resolve, 30)));
    const text = root.textContent ?? "";
    await act(() => render(null, root));
    return text;
  }

  it("is told with its hour when it comes from the phone only: another shift may have begun", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-11-22T18:30:00+09:00") });
    await openFor("nurse");
    vi.stubGlobal("fetch", async (path: string) => new Response(JSON.stringify(answers[path])));
    expect(await shown()).not.toContain("の時点の当番です");

    vi.setSystemTime(Date.parse("2026-11-23T10:00:00+09:00"));
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no network")));
    const text = await shown();
    expect(text).toContain("藤田 翔");
    expect(text).toContain("きのう 18:30 の時点の当番です");
  });
});
