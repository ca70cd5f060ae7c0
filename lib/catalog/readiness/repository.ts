import { database } from "#lib/db/client.ts";

/** Reads a table, so that a database without its migrations does not pass. */
export const askDatabase = (): Promise<unknown> => database().$queryRaw`SELECT id FROM namespace LIMIT 1`;
