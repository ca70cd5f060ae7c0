import { randomUUID } from "node:crypto";
import { database } from "#lib/db/client.ts";
import type { Preferred } from "#lib/db/generated/client.ts";
import type { Voter } from "./voter.ts";

/** More are not taken of one pair, so that nobody makes counting them slow: an interval is then within one percent. */
export const MOST_ANSWERS = 10_000;

/** The prompts of a pair that somebody has answered, by their sha256. */
export async function answeredPrompts(pairId: string, { userId, addressKey }: Voter): Promise<Set<string>> {
  const whose = userId === null ? { addressKey } : { userId };
  const rows = await database().comparisonAnswer.findMany({
    where: { pairId, ...whose },
    select: { promptSha256: true },
  });
  return new Set(rows.map(({ promptSha256 }) => promptSha256));
}

export interface NewAnswerRow {
  readonly pairId: string;
  readonly promptSha256: string;
  readonly guideWasFirst: boolean;
  readonly preferred: Preferred;
}

/** @returns false where they have answered it before */
export async function insertAnswer({ userId, addressKey }: Voter, row: NewAnswerRow): Promise<boolean> {
  const { count } = await database().comparisonAnswer.createMany({
    data: { id: randomUUID(), ...row, userId, addressKey },
    skipDuplicates: true,
  });
  return count === 1;
}

export async function countAnswers(pairId: string): Promise<Readonly<Record<Preferred, number>>> {
  const rows = await database().comparisonAnswer.groupBy({ by: ["preferred"], where: { pairId }, _count: true });
  const of = (preferred: Preferred): number => rows.find((row) => row.preferred === preferred)?._count ?? 0;
  return { guide: of("guide"), cfg: of("cfg"), neither: of("neither") };
}
