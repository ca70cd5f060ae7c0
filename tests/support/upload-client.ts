import { createHash, randomUUID } from "node:crypto";
import type { UploadView } from "#lib/catalog/uploads/schema.ts";
import { database } from "#lib/db/client.ts";
import { AppError } from "#lib/errors.ts";
import { hashHandler } from "#workers/hub/handlers/hash.ts";
import { claimJob, failJob, runJob } from "./attempts.ts";

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- a test looks into it with expect
  readonly body: any;
}

/** A program that uploads files to a hub, as its documentation says. */
export class UploadClient {
  readonly #url: string;
  readonly #token: string | null;

  constructor(url: string, token: string | null) {
    this.#url = url;
    this.#token = token;
  }

  async ask(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<ApiAnswer> {
    const response = await fetch(`${this.#url}/api/v1${path}`, {
      method,
      headers: {
        ...(this.#token !== null && { authorization: `Bearer ${this.#token}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === "" ? null : JSON.parse(text) };
  }

  begin(
    repo: string,
    file: { path: string; size: number; sha256?: string },
    key: string = randomUUID(),
  ): Promise<ApiAnswer> {
    return this.ask("POST", `/repos/${repo}/uploads`, file, { "idempotency-key": key });
  }

  get(id: string): Promise<ApiAnswer> {
    return this.ask("GET", `/uploads/${id}`);
  }

  complete(id: string): Promise<ApiAnswer> {
    return this.ask("POST", `/uploads/${id}/complete`);
  }

  abort(id: string): Promise<ApiAnswer> {
    return this.ask("DELETE", `/uploads/${id}`);
  }

  /** Sends parts of `bytes` by signed URLs. @returns the statuses of the PUTs */
  async send(id: string, bytes: Uint8Array, numbers: readonly number[]): Promise<number[]> {
    const { status, body } = await this.ask("POST", `/uploads/${id}/parts`, { numbers });
    if (status !== 200) throw new Error(`parts: ${JSON.stringify(body)}`);
    const { partSize } = (await this.get(id)).body as UploadView;
    const statuses: number[] = [];
    for (const { number, url } of body.items as { number: number; url: string }[]) {
      const response = await fetch(url, {
        method: "PUT",
        body: Buffer.from(bytes.subarray((number - 1) * partSize, number * partSize)),
      });
      await response.arrayBuffer();
      statuses.push(response.status);
    }
    return statuses;
  }

  /** A whole file up to the point where a worker has to read it. */
  async upload(repo: string, path: string, bytes: Uint8Array, sha256?: string): Promise<UploadView> {
    const { status, body } = await this.begin(repo, {
      path,
      size: bytes.byteLength,
      ...(sha256 !== undefined && { sha256 }),
    });
    if (status !== 201) throw new Error(`begin: ${JSON.stringify(body)}`);
    const { id, partCount } = body as UploadView;
    if (partCount > 0)
      await this.send(
        id,
        bytes,
        Array.from({ length: partCount }, (_, i) => i + 1),
      );
    const completed = await this.complete(id);
    if (completed.status !== 202) throw new Error(`complete: ${JSON.stringify(completed.body)}`);
    return completed.body as UploadView;
  }
}

/** One turn of a worker at an upload, fenced as the runner does it. @returns what it failed with */
export async function hashUpload(id: string, signal = new AbortController().signal): Promise<AppError | null> {
  const attempt = await claimJob("hash", id);
  if (attempt === null) return null;
  try {
    await runJob(hashHandler, "hash", id, attempt, { signal });
    return null;
  } catch (failure) {
    if (!(failure instanceof AppError)) throw failure;
    if (failure.code !== "upload_not_ready") await failJob("hash", id, attempt, failure);
    return failure;
  }
}

/** All uploads that wait for a worker. */
export async function hashAll(): Promise<void> {
  for (const { id } of await database().upload.findMany({ where: { state: "hashing" }, select: { id: true } }))
    await hashUpload(id);
}

export const sha256Of = (bytes: string | Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** A sound safetensors file of exactly so many bytes, different for each seed. */
export function weightsOf(size: number, seed = 0): Buffer {
  const headerBytes = 120;
  const data = size - 8 - headerBytes;
  const header = JSON.stringify({
    __metadata__: { seed: String(seed) },
    w: { dtype: "U8", shape: [data], data_offsets: [0, data] },
  }).padEnd(headerBytes);
  const file = Buffer.alloc(size, seed % 251);
  file.writeBigUInt64LE(BigInt(headerBytes));
  file.write(header, 8);
  return file;
}
