import { expect } from "vitest";
import { fsck, type FsckReport, isSound } from "#lib/catalog/fsck/service.ts";
import { database } from "#lib/db/client.ts";
import { env } from "#lib/env.ts";
import { objectStore } from "#lib/storage/open-store.ts";

export const examine = (now = new Date(), deep = false): Promise<FsckReport> =>
  fsck({ database: database(), store: objectStore(), graceSeconds: env().graceSeconds, deep, now });

/** Rows and bytes agree, every byte read again. */
export async function expectSound(now?: Date): Promise<void> {
  expect(await examine(now, true)).toSatisfy(isSound);
}

/** The keys of all objects, sorted. */
export async function storedKeys(): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of objectStore().list()) keys.push(key);
  return keys.toSorted();
}

export async function openMultiparts(): Promise<string[]> {
  const ids: string[] = [];
  for await (const { storageId } of objectStore().listMultiparts()) ids.push(storageId);
  return ids.toSorted();
}
