import { createHash } from "node:crypto";
import type { Actor } from "#lib/auth/actor.ts";
import { type PreviewRow, seenColumns } from "#lib/catalog/previews/repository.ts";
import { keyed, type Voter } from "./voter.ts";

type Image = PreviewRow["images"][number];

/** Two pictures of one seed, as one person is shown them. */
export interface Shown {
  /** Names the question to whoever it is asked, and says nothing of the order. */
  readonly id: string;
  readonly prompt: string;
  readonly promptSha256: string;
  readonly guide: Image;
  readonly cfg: Image;
  readonly guideIsFirst: boolean;
}

/**
 * All that somebody is asked of a pair: what the hub itself drew for its sheet, which nobody chose, in an order of their own. Which
 * picture stands first is drawn by the hub's secret, for each person and each two pictures anew, and is the same whenever they look again.
 */
export async function questionsFor(actor: Actor, pairId: string, { userId, addressKey }: Voter): Promise<Shown[]> {
  const whose = userId ?? addressKey!;
  const columns = (await seenColumns(actor, pairId)).filter(({ state }) => state === "succeeded");
  return columns
    .flatMap(({ id, images, recipe: { asked } }) => {
      const [guide, cfg] = (["guide", "cfg"] as const).map((mode) => images.find((image) => image.mode === mode));
      const isOfOneSize = guide && cfg && guide.width === cfg.width && guide.height === cfg.height;
      if (!isOfOneSize) return [];
      const drawn = keyed("order", whose, pairId, id, guide.blobSha256, cfg.blobSha256);
      return {
        id: keyed("question", whose, pairId, id, guide.blobSha256, cfg.blobSha256).slice(0, 32),
        prompt: asked.prompt,
        promptSha256: createHash("sha256").update(asked.prompt).digest("hex"),
        guide,
        cfg,
        guideIsFirst: Number.parseInt(drawn.slice(0, 2), 16) % 2 === 0,
      };
    })
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
}
