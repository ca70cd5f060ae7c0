import { basename } from "node:path";
import { noteRead, recordVerified, stagedUpload } from "#lib/catalog/uploads/work.ts";
import { AppError } from "#lib/errors.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import { failpoint } from "#lib/util/failpoint.ts";
import type { JobHandler } from "../handler.ts";
import { readContent } from "../read-content.ts";

const PROGRESS_MS = 500;

/**
 * Every byte of an upload is read, and with that it is verified, or it is said why it is not what it was announced as. On a disk the web
 * process has mostly read the parts in order as they came. In a bucket they went past it, and what S3 itself computes of an object in
 * parts is no sha256 of the whole: there all is read here.
 */
export const hashHandler: JobHandler = async ({ subjectId: id, attempt, signal }) => {
  failpoint("hash.claimed");
  const upload = await stagedUpload(id);
  if (!upload) return false;
  const { path, storageKey, size, declaredSha256, digest } = upload;
  const facts = await objectStore().head(storageKey);
  if (!facts)
    throw new AppError("not_found", `The bytes of ${path} are not in the store any more; upload them again.`, {
      path,
    });
  if (facts.size !== size)
    throw new AppError(
      "bytes_differ",
      `${path} was announced with ${size} bytes, and ${facts.size} came; upload it again.`,
      { path, expected: size, actual: facts.size },
    );

  let told = performance.now();
  const hashes = await readContent({ name: basename(path), key: storageKey, size }, digest, signal, async (done) => {
    if (performance.now() - told < PROGRESS_MS) return;
    told = performance.now();
    if (!(await noteRead(upload, attempt, done)))
      throw new AppError("cancelled", `The upload of ${path} has ended, or another worker reads it.`);
  });
  failpoint("hash.read");
  if (declaredSha256 !== null && declaredSha256 !== hashes.sha256) {
    throw new AppError(
      "bytes_differ",
      `${path} was announced with the sha256 ${declaredSha256}, and what came has ${hashes.sha256}; upload it again from a copy that was not damaged.`,
      { path, expected: declaredSha256, actual: hashes.sha256 },
    );
  }
  await recordVerified(upload, attempt, facts.tag, hashes);
  failpoint("hash.done");
};
