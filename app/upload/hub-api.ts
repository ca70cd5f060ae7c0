import type { CommitResult, NewCommit } from "#lib/catalog/commits/schema.ts";
import type { NewRepo } from "#lib/catalog/repos/schema.ts";
import type { SignedParts, UploadView } from "#lib/catalog/uploads/schema.ts";

/** A refusal of the hub, in its own words. `again`: in how many seconds the same may work; null: it will not. */
export class Refusal extends Error {
  readonly status: number;
  readonly again: number | null;

  constructor(message: string, status: number, again: number | null) {
    super(message);
    this.status = status;
    this.again = again;
  }
}

const ATTEMPTS = 8;
const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason as Error)), { once: true });
  });

/** Does it again while the network or the hub is away for a while. @throws Refusal; what the signal was aborted with */
export async function persist<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      signal.throwIfAborted();
      return await work();
    } catch (cause) {
      signal.throwIfAborted();
      const again = cause instanceof Refusal ? cause.again : 2 ** Math.min(attempt, 4);
      if (again === null || attempt >= ATTEMPTS) throw cause;
      await sleep(again * 1000, signal);
    }
  }
}

async function ask<T>(method: string, path: string, signal: AbortSignal, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<T> {
  const response = await fetch(`/api/v1${path}`, { method, signal, headers: { ...(body !== undefined && { "Content-Type": "application/json" }), ...headers }, ...(body !== undefined && { body: JSON.stringify(body) }) });
  const text = await response.text();
  const answer = (text === "" ? null : JSON.parse(text)) as { error?: string } | null;
  if (response.ok) return answer as T;
  const retryAfter = response.headers.get("Retry-After");
  throw new Refusal(answer?.error ?? `The hub answered ${response.status}; try again.`, response.status, retryAfter === null ? null : Number(retryAfter));
}

export const createRepo = (repo: NewRepo, signal: AbortSignal): Promise<unknown> => ask("POST", "/repos", signal, repo);
export const beginUpload = (repo: string, file: { readonly path: string; readonly size: number }, key: string, signal: AbortSignal): Promise<UploadView> =>
  ask("POST", `/repos/${repo}/uploads`, signal, file, { "Idempotency-Key": key });
export const getUpload = (id: string, signal: AbortSignal): Promise<UploadView> => ask("GET", `/uploads/${id}`, signal);
export const signParts = (id: string, numbers: readonly number[], signal: AbortSignal): Promise<SignedParts> => ask("POST", `/uploads/${id}/parts`, signal, { numbers });
export const completeUpload = (id: string, signal: AbortSignal): Promise<UploadView> => ask("POST", `/uploads/${id}/complete`, signal);
export const abortUpload = (id: string, signal: AbortSignal): Promise<unknown> => ask("DELETE", `/uploads/${id}`, signal);
export const commit = (repo: string, files: NewCommit, signal: AbortSignal): Promise<CommitResult> => ask("POST", `/repos/${repo}/commits`, signal, files);

/** One part by its signed address, with progress, which fetch does not tell. */
export function putPart(url: string, bytes: Blob, onProgress: (sent: number) => void, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = (): void => request.abort();
    signal.addEventListener("abort", stop, { once: true });
    request.upload.addEventListener("progress", ({ loaded }) => onProgress(loaded));
    request.addEventListener("load", () => (request.status < 300 ? resolve() : reject(new Refusal(`The store answered ${request.status} to a part.`, request.status, request.status >= 500 || request.status === 403 ? 2 : null))));
    request.addEventListener("error", () => reject(new Error("The connection was lost.")));
    request.addEventListener("abort", () => reject(signal.reason as Error));
    request.addEventListener("loadend", () => signal.removeEventListener("abort", stop));
    request.open("PUT", url);
    request.send(bytes);
  });
}
