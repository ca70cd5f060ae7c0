import { Prisma } from "./generated/client.ts";

/**
 * A condition that PostgreSQL asks of one row after the other, on a walk in the order of an index that ends after a page. Of a question
 * that joins tables it guesses that nearly no row passes, and would then rather ask all rows and sort what is left; of a CASE it guesses
 * that every second one does. In it write `(SELECT TRUE FROM … LIMIT 1)`: an EXISTS may be answered for all rows at once before the first.
 */
export const askedOfEach = (condition: Prisma.Sql): Prisma.Sql =>
  Prisma.sql`CASE WHEN ${condition} THEN TRUE ELSE FALSE END`;
