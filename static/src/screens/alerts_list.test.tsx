import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openFor } from "../ground/database";
import { AlertsList } from "./alert";

const NONE = "いま、緊急連絡はありません。";

describe("the list of calls", () => {
  let root: HTMLElement;
  const settle = () => act(() => new Promise((resolve) => setTimeout(resolve, 30)));

  beforeEach(async () => {
    await openFor("nurse");
    root = document.createElement("div");
    document.body.append(root);
  });

  afterEach(async () => {
    await act(() => render(null, root));
    root.remove();
    vi.unstubAllGlobals();
  });

  it("does not say that there are none before the server has said so", async () => {
    let answer: () => void = () => undefined;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    vi.stubGlobal("fetch", () => answered.then(() => new Response('{"alerts":[]}')));

    await act(() => render(<AlertsList />, root));
    await settle();
    expect(root.textContent).not.toContain(NONE);

    answer();
    await settle();
    expect(root.textContent).toContain(NONE);
  });
});
