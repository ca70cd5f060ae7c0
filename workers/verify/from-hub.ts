import { AppError } from "#lib/errors.ts";

const SILENT_MS = 30_000;

export interface Answer {
  readonly status: number;
  readonly ok: boolean;
  readonly headers: Headers;
  /** @throws bad_request where it breaks off, or nothing comes for half a minute */
  readonly body: AsyncIterable<Uint8Array>;
  /** What was not read is not wanted. */
  close(): void;
}

/** What is sent beside the address. */
export interface Sent {
  /** Of whoever asks; nobody where it is not there. */
  readonly token?: string | undefined;
  /** As JSON, with POST. */
  readonly body?: unknown;
}

/** What a hub gives at an address. @throws bad_request where it cannot be reached, or is silent for half a minute */
export async function askHub(url: URL, signal?: AbortSignal, { token, body: sent }: Sent = {}): Promise<Answer> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(new DOMException("silent", "TimeoutError")), SILENT_MS);
  const failed = (cause: unknown): never => {
    clearTimeout(timer);
    signal?.throwIfAborted();
    throw unreachable(url, cause);
  };
  const either = signal ? AbortSignal.any([silence.signal, signal]) : silence.signal;
  const response = await fetch(url, {
    signal: either,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(sent !== undefined && { "content-type": "application/json" }),
    },
    ...(sent !== undefined && { method: "POST", body: JSON.stringify(sent) }),
  }).catch(failed);
  const { status, ok, headers } = response;
  async function* body(): AsyncGenerator<Uint8Array> {
    try {
      for await (const piece of response.body ?? []) {
        timer.refresh();
        yield piece;
      }
    } catch (cause) {
      failed(cause);
    } finally {
      clearTimeout(timer);
    }
  }
  const close = (): void => {
    clearTimeout(timer);
    response.body?.cancel().catch(() => {});
  };
  return { status, ok, headers, body: body(), close };
}

/** An answer as text, and no more than `most` bytes of it. @throws bad_request, too_large */
export async function readText({ body }: Answer, url: URL, most: number): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body) {
    size += piece.length;
    if (size > most)
      throw new AppError("too_large", `${shown(url)} gives more than ${most} bytes; give the address of a report.`, {
        most,
      });
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

/** Without its query, which may hold a key. */
export const shown = ({ origin, pathname }: URL): string => origin + pathname;

function unreachable(url: URL, cause: unknown): AppError {
  const { code, message } = (cause instanceof Error ? (cause.cause ?? cause) : {}) as NodeJS.ErrnoException;
  const why =
    (cause as Error).name === "TimeoutError"
      ? `was silent for ${SILENT_MS / 1000} s`
      : `cannot be reached (${code ?? message ?? "no reason given"})`;
  return new AppError("bad_request", `${shown(url)} ${why}; check the address and the network.`, {}, cause);
}
