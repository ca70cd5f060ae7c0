import { Prisma } from "#lib/db/generated/client.ts";

/** How much of CFG's gain is recovered, of a pair that goes by `p`. */
export const recovered = Prisma.sql`(p.summary #>> '{measured,fidelity,recovered,value}')::float8`;

/**
 * What a pair `p` lacks: among those of one verdict the least comes first, and last what recovered nothing that is known. Indexes of
 * both sides have this very expression behind the verdict, so that a list by evidence goes on from any place in it.
 */
export const shortfall = Prisma.sql`coalesce(-((p.summary #>> '{measured,fidelity,recovered,value}')::float8), '1e308'::float8)`;

/** Before every shortfall, and a number that JSON can carry. */
export const NO_SHORTFALL = -1e308;
