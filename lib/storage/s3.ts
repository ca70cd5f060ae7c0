import { Readable } from "node:stream";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import type { S3Settings } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";
import { contentDisposition } from "#lib/util/content-disposition.ts";
import { Breaker, Silence } from "./breaker.ts";
import { isObjectKey, newObjectKey, requireObjectKey } from "./keys.ts";
import { notUnderstood, s3Failure, saidBy, saysAway } from "./s3-failure.ts";
import type {
  ByteRange,
  DownloadOptions,
  ListedObject,
  ObjectFacts,
  ObjectStore,
  OpenMultipart,
  StoredPart,
} from "./store.ts";
import { Turns } from "./turns.ts";
import { wholeBody } from "./whole-body.ts";

export interface S3Limits {
  readonly connectMs: number;
  /** Without a byte of an answer, and then without the next byte of its body. */
  readonly idleMs: number;
  /** For a whole call with all its attempts. */
  readonly deadlineMs: number;
  /** The same where a server puts parts together: some copy every byte before they answer. One that is away is not waited for. */
  readonly completeMs: number;
  /** How long a call that found the store away may wait for it to come back. */
  readonly patienceMs: number;
  readonly attempts: number;
  /** Entries in one page of a listing; 1000 is the most that S3 gives. */
  readonly pageSize: number;
}

const LIMITS: S3Limits = {
  connectMs: 2_000,
  idleMs: 8_000,
  deadlineMs: 20_000,
  completeMs: 300_000,
  patienceMs: 0,
  attempts: 3,
  pageSize: 1000,
};
const PROBE_MS = 2500;
const SMALL_BYTES = 2 ** 20; // sent in a moment; after that an answer is due
const SLOWEST = 250; // bytes in a millisecond, of what is sent with a call
const MAX_SECONDS = 7 * 86_400; // S3 signs for no longer

/** Objects in a bucket of any server that speaks S3. */
export class S3Store implements ObjectStore {
  readonly kind = "s3";
  readonly #settings: S3Settings;
  readonly #limits: S3Limits;
  readonly #breaker: Breaker;
  readonly #client: S3Client;
  readonly #patientClient: S3Client;
  /** Of completing an upload: servers disagree on what a second request says while the first one runs. */
  readonly #turns = new Turns();

  constructor(settings: S3Settings, limits: Partial<S3Limits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
    const { connectMs, idleMs, completeMs, attempts, patienceMs } = this.#limits;
    const clientWaiting = (waitMs: number, maxAttempts = attempts): S3Client =>
      new S3Client({
        endpoint: settings.endpoint,
        region: settings.region,
        credentials: { accessKeyId: settings.accessKeyId, secretAccessKey: settings.secretAccessKey },
        forcePathStyle: !new URL(settings.endpoint).hostname.endsWith(".amazonaws.com"), // a server of one's own has no name for each bucket
        // Else a checksum of no bytes is signed into each part's URL, and the real part is refused.
        requestChecksumCalculation: "WHEN_REQUIRED",
        responseChecksumValidation: "WHEN_REQUIRED",
        maxAttempts,
        requestHandler: {
          connectionTimeout: connectMs,
          requestTimeout: waitMs,
          throwOnRequestTimeout: true,
          socketTimeout: 0, // it would also count while we take no bytes; wholeBody counts while we want them
        },
      });
    this.#settings = settings;
    this.#client = clientWaiting(idleMs);
    this.#patientClient = clientWaiting(completeMs);
    const ownClient = clientWaiting(idleMs, 1); // its connections are not those that others wait on
    this.#breaker = new Breaker({
      probe: (abortSignal) => ownClient.send(new HeadBucketCommand({ Bucket: settings.bucket }), { abortSignal }),
      probeMs: PROBE_MS,
      isAway: saysAway,
      patienceMs,
    });
  }

  async beginMultipart(key: string): Promise<string> {
    const { UploadId } = await this.#ask((abortSignal) =>
      this.#client.send(new CreateMultipartUploadCommand(this.#at(key)), { abortSignal }),
    );
    if (!UploadId) throw notUnderstood(this.#settings, "no id of the upload");
    return UploadId;
  }

  async signPart(
    key: string,
    storageId: string,
    { number, size }: { readonly number: number; readonly size: number },
    seconds: number,
  ): Promise<string> {
    const command = new UploadPartCommand({
      ...this.#at(key),
      UploadId: storageId,
      PartNumber: number,
      ContentLength: size,
    });
    await this.#requireAnswering();
    return getSignedUrl(this.#client, command, { expiresIn: Math.min(seconds, MAX_SECONDS) });
  }

  async listParts(key: string, storageId: string): Promise<StoredPart[]> {
    const parts: StoredPart[] = [];
    for (let after: string | undefined; ;) {
      const page = await this.#ask((abortSignal) =>
        this.#client.send(
          new ListPartsCommand({
            ...this.#at(key),
            UploadId: storageId,
            PartNumberMarker: after,
            MaxParts: this.#limits.pageSize,
          }),
          { abortSignal },
        ),
      );
      for (const { PartNumber, Size, ETag } of page.Parts ?? [])
        parts.push({ number: PartNumber!, size: Size!, tag: this.#tagOf(ETag) });
      if (!page.IsTruncated) return parts;
      after = page.NextPartNumberMarker;
    }
  }

  completeMultipart(
    key: string,
    storageId: string,
    parts: readonly Pick<StoredPart, "number" | "tag">[],
  ): Promise<ObjectFacts> {
    return this.#turns.take(storageId, async () => {
      if (parts.length === 0)
        throw new AppError("bytes_differ", "No part was named; send at least one, empty for an empty file.");
      const Parts = parts.map(({ number, tag }) => ({ PartNumber: number, ETag: `"${tag}"` }));
      const failure = await this.#ask(
        (abortSignal) =>
          this.#patientClient.send(
            new CompleteMultipartUploadCommand({ ...this.#at(key), UploadId: storageId, MultipartUpload: { Parts } }),
            { abortSignal },
          ),
        this.#limits.completeMs,
      ).then(
        () => null,
        (cause: unknown) => cause,
      );
      // What is not there any more may have been put together by a request whose answer was lost.
      const mayBeDone =
        failure === null || (failure instanceof AppError && ["not_found", "bytes_differ"].includes(failure.code));
      const done = mayBeDone ? await this.head(key) : null;
      if (!done)
        throw (
          failure ??
          new AppError(
            "storage_unavailable",
            "The store has put the parts together and does not show the object yet; try again in a few seconds.",
            { key },
          )
        );
      return done;
    });
  }

  async abortMultipart(key: string, storageId: string): Promise<void> {
    await this.#unlessMissing((abortSignal) =>
      this.#client.send(new AbortMultipartUploadCommand({ ...this.#at(key), UploadId: storageId }), { abortSignal }),
    );
  }

  async *listMultiparts(): AsyncGenerator<OpenMultipart> {
    for (let after: string | undefined; ;) {
      // Without UploadIdMarker, which versitygw refuses. Of two uploads of one key around the end of a page the second waits for the next sweep.
      const page = await this.#ask((abortSignal) =>
        this.#client.send(
          new ListMultipartUploadsCommand({
            Bucket: this.#settings.bucket,
            KeyMarker: after,
            MaxUploads: this.#limits.pageSize,
          }),
          { abortSignal },
        ),
      );
      for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
        if (isObjectKey(Key!)) yield { key: Key!, storageId: UploadId!, startedAt: Initiated! };
      }
      if (!page.IsTruncated) return;
      after = page.NextKeyMarker;
    }
  }

  async requireRoom(): Promise<void> {}

  async put(key: string, bytes: Uint8Array): Promise<ObjectFacts> {
    const { ETag } = await this.#ask(
      (abortSignal) =>
        (bytes.byteLength > SMALL_BYTES ? this.#patientClient : this.#client).send(
          new PutObjectCommand({ ...this.#at(key), Body: bytes }),
          { abortSignal },
        ),
      this.#limits.deadlineMs + bytes.byteLength / SLOWEST,
    );
    return { size: bytes.byteLength, tag: this.#tagOf(ETag) };
  }

  async head(key: string): Promise<ObjectFacts | null> {
    const answer = await this.#unlessMissing((abortSignal) =>
      this.#client.send(new HeadObjectCommand(this.#at(key)), { abortSignal }),
    );
    return answer && { size: answer.ContentLength!, tag: this.#tagOf(answer.ETag) };
  }

  async read(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Readable> {
    if (range && range.begin === range.end) return this.#readNothing(key, range);
    const Range = range && `bytes=${range.begin}-${range.end - 1}`;
    const answer = await this.#unlessMissing((ours) =>
      this.#client.send(new GetObjectCommand({ ...this.#at(key), Range }), {
        abortSignal: signal ? AbortSignal.any([ours, signal]) : ours,
      }),
    );
    if (!answer) throw missing(key);
    const body = answer.Body as Readable;
    if (range && answer.ContentLength !== range.end - range.begin) {
      body.destroy();
      throw notWithin(range);
    }
    return wholeBody(body, {
      size: answer.ContentLength!,
      stallMs: this.#limits.idleMs,
      signal,
      translate: (cause) => {
        if (cause instanceof Silence) void this.#breaker.suspect();
        return s3Failure(this.#settings, cause);
      },
    });
  }

  /** There is no way to ask S3 for no bytes. */
  async #readNothing(key: string, range: ByteRange): Promise<Readable> {
    const facts = await this.head(key);
    if (!facts) throw missing(key);
    if (range.begin < 0 || range.end > facts.size) throw notWithin(range);
    return Readable.from([]);
  }

  async signDownload(key: string, { fileName, contentType, disposition, seconds }: DownloadOptions): Promise<string> {
    const command = new GetObjectCommand({
      ...this.#at(key),
      ResponseContentDisposition: contentDisposition(disposition, fileName),
      ResponseContentType: contentType,
      ResponseCacheControl: "private",
    });
    await this.#requireAnswering();
    return getSignedUrl(this.#client, command, { expiresIn: Math.min(seconds, MAX_SECONDS) });
  }

  async delete(key: string): Promise<void> {
    await this.#unlessMissing((abortSignal) =>
      this.#client.send(new DeleteObjectCommand(this.#at(key)), { abortSignal }),
    );
  }

  async *list(): AsyncGenerator<ListedObject> {
    for (let after: string | undefined; ;) {
      const page = await this.#ask((abortSignal) =>
        this.#client.send(
          new ListObjectsV2Command({
            Bucket: this.#settings.bucket,
            ContinuationToken: after,
            MaxKeys: this.#limits.pageSize,
          }),
          { abortSignal },
        ),
      );
      for (const { Key, Size, ETag, LastModified } of page.Contents ?? []) {
        if (isObjectKey(Key!)) yield { key: Key!, size: Size!, tag: this.#tagOf(ETag), modifiedAt: LastModified! };
      }
      if (!page.IsTruncated) return;
      after = page.NextContinuationToken;
    }
  }

  async check(): Promise<void> {
    const key = newObjectKey();
    await this.put(key, new Uint8Array(1));
    await this.delete(key);
  }

  /** Before a link is signed: none into the void, where whoever follows it waits. */
  async #requireAnswering(): Promise<void> {
    try {
      await this.#breaker.requireAnswering();
    } catch (cause) {
      throw s3Failure(this.#settings, cause);
    }
  }

  #at(key: string): { Bucket: string; Key: string } {
    requireObjectKey(key);
    return { Bucket: this.#settings.bucket, Key: key };
  }

  /** S3 writes it as HTTP does, in quotes. What answers without one is a web server of another kind. */
  #tagOf(etag: string | undefined): string {
    if (!etag) throw notUnderstood(this.#settings, "no ETag");
    return etag.replaceAll('"', "");
  }

  async #ask<T>(send: (signal: AbortSignal) => Promise<T>, deadlineMs = this.#limits.deadlineMs): Promise<T> {
    try {
      return await this.#breaker.call(send, deadlineMs);
    } catch (cause) {
      throw s3Failure(this.#settings, cause);
    }
  }

  /** Null where the object or the upload is not there. The bucket is another matter. */
  #unlessMissing<T>(send: (signal: AbortSignal) => Promise<T>): Promise<T | null> {
    return this.#ask((signal) =>
      send(signal).catch((cause: unknown) => {
        const said = saidBy(cause);
        if (said.includes("404") && !said.includes("NoSuchBucket")) return null;
        throw cause;
      }),
    );
  }
}

const missing = (key: string): AppError =>
  new AppError("not_found", "The bytes of this are not in the store.", { key });
const notWithin = ({ begin, end }: ByteRange): AppError =>
  new AppError("range_not_satisfiable", `The bytes ${begin} to ${end} are not within this file.`, { begin, end });
