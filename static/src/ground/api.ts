/** Asking the server. Two ways to fail: it refused (Problem), or nobody answered (NoSignal). */

/** Long enough for a weak signal, short enough that a person is told something. */
const PATIENCE_MILLISECONDS = 15_000;

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    title: string,
    readonly facts: Record<string, unknown> = {},
  ) {
    super(title);
  }

  /** Worth the same request again later: the server is busy or away, nothing is wrong with what was asked. */
  get isPassing(): boolean {
    return this.status >= 500 || [408, 425, 429].includes(this.status);
  }
}

export class NoSignal extends Error {}

let csrfToken = "";
let onSignedOut: () => void = () => undefined;

export function useToken(token: string): void {
  csrfToken = token;
}

/** Called whenever the server says that it does not know us any more. */
export function whenSignedOut(callback: () => void): void {
  onSignedOut = callback;
}

export interface Answer<T> {
  status: number;
  body: T;
  etag: string | null;
}

type Method = "GET" | "POST" | "PUT" | "DELETE";

export async function send<T>(method: Method, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer<T>> {
  const response = await reach(method, path, body, headers);
  if (response.ok) {
    const text = await response.text().catch(() => {
      throw new NoSignal();
    });
    return { status: response.status, body: (text ? JSON.parse(text) : undefined) as T, etag: response.headers.get("ETag") };
  }
  const problem = await readProblem(response);
  if (response.status === 401 && !path.startsWith("/session")) onSignedOut();
  throw problem;
}

export async function get<T>(path: string): Promise<T> {
  return (await send<T>("GET", path)).body;
}

export async function post<T>(path: string, body?: unknown): Promise<T> {
  return (await send<T>("POST", path, body ?? {})).body;
}

async function reach(method: Method, path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const all: Record<string, string> = { Accept: "application/json", ...headers };
  if (body !== undefined) all["Content-Type"] = "application/json";
  if (method !== "GET") all["X-CSRF-Token"] = csrfToken;
  try {
    return await fetch(path.startsWith("/health") ? path : `/api/v1${path}`, {
      method,
      headers: all,
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE_MILLISECONDS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    throw new NoSignal();
  }
}

async function readProblem(response: Response): Promise<Problem> {
  try {
    const facts = (await response.json()) as Record<string, unknown>;
    return new Problem(response.status, String(facts["code"] ?? ""), String(facts["title"] ?? ""), facts);
  } catch {
    return new Problem(response.status, "", "");
  }
}
