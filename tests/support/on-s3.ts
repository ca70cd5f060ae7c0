import { test } from "vitest";
import { noS3Server } from "./s3-server.ts";

/** A test that needs a real S3 server; where there is none it is skipped, and says how to get one. */
export const testOnS3 = (title: string, work: () => Promise<void>): void =>
  test(title, async ({ skip }) => {
    if (noS3Server) skip(noS3Server);
    await work();
  });
