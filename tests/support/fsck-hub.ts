import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import type { S3Settings } from "#lib/env.ts";
import { toVariables } from "#lib/env.ts";

const door = fileURLToPath(new URL("../../guidepost.js", import.meta.url));

/** The settings of a store, as an operator writes them. */
export const s3Variables = ({
  endpoint,
  bucket,
  region,
  accessKeyId,
  secretAccessKey,
}: S3Settings): Record<string, string> => ({
  S3_ENDPOINT: endpoint,
  S3_BUCKET: bucket,
  S3_REGION: region,
  S3_ACCESS_KEY_ID: accessKeyId,
  S3_SECRET_ACCESS_KEY: secretAccessKey,
});

/** What its operator would see who asks whether rows and bytes agree, every byte read again. */
export async function expectWhole(folder: string, variables: Readonly<Record<string, string>> = {}): Promise<void> {
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(process.execPath, [door, "fsck", "--deep", "--json"], {
    env: toVariables({ PATH, HOME, GUIDEPOST_DATA: folder, ...variables }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [said, problem] = await Promise.all([text(child.stdout), text(child.stderr)]);
  expect(problem).toBe("");
  const { checked, ...faults } = JSON.parse(said) as { checked: { blobs: number; commits: number } };
  expect(Object.entries(faults).filter(([, found]) => (found as unknown[]).length > 0)).toEqual([]);
  expect(checked.blobs).toBeGreaterThan(0);
  expect(child.exitCode ?? 0).toBe(0);
}
