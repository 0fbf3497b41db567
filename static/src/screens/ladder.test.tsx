import { render } from "preact";
import { act } from "preact/test-utils";
import { describe, expect, it } from "vitest";
import type { Alert } from "../ground/shapes";
import { Ladder } from "./ladder";

const alert: Alert = {
  id: "alert",
  group_id: "group",
  sequence: 1,
  post_id: "post",
  level: "E3",
  state: "open",
  raised_at: "2026-11-20T10:00:00Z",
  raised_by: "helper",
  next_step_at: null,
  answered_by: null,
  outcome: null,
  version: 1,
  steps: [{ n: 1, target: "attending_physician", people: [], state: "waiting", started_at: null, wait_seconds: 300 }],
  events: [],
  people: {},
  patient: null,
  text: null,
};

describe("the ladder", () => {
  it.each([
    ["open", "このあと"],
    ["resolved", "呼んでいません"],
  ] as const)("of a call that is %s says of a waiting step: %s", async (state, word) => {
    const root = document.createElement("div");
    await act(() => render(<Ladder alert={{ ...alert, state }} />, root));
    expect(root.querySelector(".step-state")?.textContent).toBe(word);
    await act(() => render(null, root));
  });
});
