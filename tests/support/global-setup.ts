import { generateClient } from "#workers/setup/generate-client.ts";

/** Before any suite: the Prisma client is generated, once and not by several suites at the same time. */
export default function setup(): void {
  generateClient();
}
