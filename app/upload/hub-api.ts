import type { CommitResult, NewCommit } from "#lib/catalog/commits/schema.ts";
import type { NewRepo } from "#lib/catalog/repos/schema.ts";
import type { SignedParts, UploadView } from "#lib/catalog/uploads/schema.ts";

/** A refusal of the hub, in its own words. `again`: in how many seconds the same may work; null: it will not. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly again: number | null;

  constructor(message: string, { status, code = "", again }: { status: number; code?: string; again: number | null }) {
    super(message);
    this.status = status;
    this.code = code;
    this.again = again;
  }
}

/** What all that is sent has in common: whether to stop, and whom to tell that the hub or the way to it is away for a while. */
export interface Line {
  readonly signal: AbortSignal;
  readonly trouble: (sentence: string | null) => void;
}

const ATTEMPTS = 12; // some three minutes: a hub that is started anew is back by then
const MAX_WAIT = 20;

export const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = (): void => (clearTimeout(timer), reject(signal.reason as Error));
    const timer = setTimeout(() => (signal.removeEventListener("abort", stop), resolve()), ms);
    signal.addEventListener("abort", stop, { once: true });
  });

/** Does it again while the network or the hub is away. @throws Refusal; what the signal was aborted with */
export async function persist<T>(work: () => Promise<T>, { signal, trouble }: Line): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      signal.throwIfAborted();
      const done = await work();
      if (attempt > 0) trouble(null);
      return done;
    } catch (cause) {
      signal.throwIfAborted();
      const wait = cause instanceof Refusal ? cause.again : 2 ** attempt;
      if (wait === null || attempt >= ATTEMPTS) throw cause;
      const seconds = Math.min(MAX_WAIT, Math.max(wait, 2 ** attempt / 2)) * (0.8 + 0.4 * Math.random()); // not all at once when the hub is back
      trouble(
        `${cause instanceof Refusal ? cause.message : "The hub does not answer."} Trying again in ${Math.ceil(seconds)} s.`,
      );
      await sleep(seconds * 1000, signal);
    }
  }
}

async function ask<T>(
  method: string,
  path: string,
  signal: AbortSignal | null,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<T> {
  const response = await fetch(`/api/v1${path}`, {
    method,
    signal,
    headers: { ...(body !== undefined && { "Content-Type": "application/json" }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (response.ok) return (text === "" ? null : JSON.parse(text)) as T;
  const { error, code } = parse(text);
  const retryAfter = Number(response.headers.get("Retry-After") ?? Number.NaN);
  const again = Number.isFinite(retryAfter)
    ? retryAfter
    : response.status === 502 || response.status === 503 || response.status === 504
      ? 2
      : null; // of a proxy before the hub
  throw new Refusal(error ?? `The hub answered ${response.status}.`, {
    status: response.status,
    code: code ?? "",
    again,
  });
}

function parse(text: string): { error?: string; code?: string } {
  try {
    return (JSON.parse(text) ?? {}) as { error?: string; code?: string };
  } catch {
    return {}; // the page of a proxy
  }
}

export const createRepo = (repo: NewRepo): Promise<unknown> => ask("POST", "/repos", null, repo);
export const beginUpload = (
  repo: string,
  file: { readonly path: string; readonly size: number },
  key: string,
  { signal }: Line,
): Promise<UploadView> => ask("POST", `/repos/${repo}/uploads`, signal, file, { "Idempotency-Key": key });
export const getUpload = (id: string, { signal }: Line): Promise<UploadView> => ask("GET", `/uploads/${id}`, signal);
export const signParts = (id: string, numbers: readonly number[], { signal }: Line): Promise<SignedParts> =>
  ask("POST", `/uploads/${id}/parts`, signal, { numbers });
export const completeUpload = (id: string, { signal }: Line): Promise<UploadView> =>
  ask("POST", `/uploads/${id}/complete`, signal);
export const abortUpload = (id: string): Promise<unknown> => ask("DELETE", `/uploads/${id}`, null);
export const commit = (repo: string, files: NewCommit, { signal }: Line): Promise<CommitResult> =>
  ask("POST", `/repos/${repo}/commits`, signal, files);

/** One part to its signed address, with progress, which fetch does not tell. */
export async function putPart(
  url: string,
  bytes: Blob,
  onProgress: (sent: number) => void,
  signal: AbortSignal,
): Promise<void> {
  await bytes
    .slice(0, 1)
    .arrayBuffer()
    .catch((cause: Error) => {
      throw new Refusal(
        `It cannot be read any more (${cause.message}); it was changed or moved since you chose it. Choose it again.`,
        { status: 0, again: null },
      );
    });
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = (): void => request.abort();
    signal.addEventListener("abort", stop, { once: true });
    request.upload.addEventListener("progress", ({ loaded }) => onProgress(Math.min(loaded, bytes.size)));
    request.addEventListener("load", () =>
      request.status < 300
        ? resolve()
        : reject(
            new Refusal(`The store answered ${request.status} to a part.`, {
              status: request.status,
              again:
                request.status >= 500 || request.status === 403 || request.status === 408 || request.status === 429
                  ? 2
                  : null,
            }),
          ),
    );
    request.addEventListener("error", () => reject(new Error("The connection was lost.")));
    request.addEventListener("abort", () => reject(signal.reason as Error));
    request.addEventListener("loadend", () => signal.removeEventListener("abort", stop));
    request.open("PUT", url);
    request.send(bytes);
  });
}
