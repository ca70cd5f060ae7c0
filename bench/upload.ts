import type { Partner } from "#lib/catalog/pairs/schema.ts";
import type { PreviewView } from "#lib/catalog/previews/schema.ts";
import { starterFiles } from "../tests/support/evidence.ts";
import { freePort } from "../tests/support/free-port.ts";
import { measureOnly } from "../tests/support/held-checks.ts";
import type { ApiAnswer } from "../tests/support/upload-client.ts";
import { eventually, HubMember, must } from "../tests/support/hub-member.ts";
import { newFolder, removeFolder, startHub } from "../tests/support/running-hub.ts";
import { progress } from "./progress.ts";
import { type Spread, spread, spreadOf } from "./spread.ts";
import { table } from "./table.ts";

/** Seconds since the first byte of an upload was sent. */
export interface UploadResult {
  readonly rounds: number;
  readonly bytes: number;
  readonly committed: Spread;
  readonly firstPicture: Spread;
  readonly threePictures: Spread;
  readonly firstVerdict: Spread;
  /** What each first look said. */
  readonly verdicts: readonly string[];
}

const UNET = "unet/diffusion_pytorch_model.safetensors";

/**
 * A person uploads a fine-tune that the hub never saw to a hub that does nothing else, asks for a preview as soon as the hub takes
 * one, and waits for the first look at it with any guide, which the hub takes by itself.
 */
export async function benchUpload(rounds: number): Promise<UploadResult> {
  const folder = await newFolder();
  const hub = await startHub({ folder, port: await freePort(), variables: { GUIDEPOST_STARTER: "load" } });
  try {
    const ann = await HubMember.join(/^ {2}(\S+\/join\?invitation=\S+)$/m.exec(hub.said())![1]!, "ann");
    await eventually("the starter collection", () => previewOf(ann, "guidepost/watercolor"), isTaken);
    await measureOnly(folder, []); // the starter's own pairs would be measured beside it
    const files = await starterFiles("watercolor");
    const seconds: Record<"committed" | "firstPicture" | "threePictures" | "firstVerdict", number[]> = {
      committed: [],
      firstPicture: [],
      threePictures: [],
      firstVerdict: [],
    };
    const verdicts: string[] = [];
    let bytes = 0;
    for (let round = 0; round < rounds; round++) {
      progress(`round ${round + 1} of ${rounds}`);
      const repo = await ann.newRepo(`fine-tune-${round}`);
      const own = { ...files, [UNET]: withLastWeight(files[UNET] as Buffer, round) };
      const began = performance.now();
      const since = (): number => (performance.now() - began) / 1000;
      bytes = 0;
      const operations = [];
      for (const [path, content] of Object.entries(own)) {
        const file = Buffer.from(content);
        bytes += file.length;
        operations.push({ op: "add" as const, path, upload: await ann.verified(repo, path, file) });
      }
      must(201, await ann.commit(repo, operations));
      seconds.committed.push(since());
      const { body } = await eventually("a preview taken", () => previewOf(ann, repo), isTaken);
      await pictures(ann, body.id as string, 1);
      seconds.firstPicture.push(since());
      await pictures(ann, body.id as string, 3);
      seconds.threePictures.push(since());
      const guides = await eventually(
        "the first look",
        async () => must(200, await ann.ask("GET", `/repos/${repo}/guides`)).body.items as Partner[],
        (all) => all.some(({ measuredAt }) => measuredAt !== null),
        1200,
      );
      seconds.firstVerdict.push(since());
      verdicts.push(guides.find(({ measuredAt }) => measuredAt !== null)!.verdict);
      // The next round begins on a hub that does nothing again.
      for (const { pair } of guides) await ann.ask("POST", `/pairs/${pair}/cancel`);
    }
    const { committed, firstPicture, threePictures, firstVerdict } = seconds;
    return {
      rounds,
      bytes,
      committed: spreadOf(committed),
      firstPicture: spreadOf(firstPicture),
      threePictures: spreadOf(threePictures),
      firstVerdict: spreadOf(firstVerdict),
      verdicts,
    };
  } finally {
    progress("");
    await hub.stop();
    await removeFolder(folder);
  }
}

const isTaken = ({ status }: ApiAnswer): boolean => status === 202;

const previewOf = (who: HubMember, finetune: string): Promise<ApiAnswer> =>
  who.ask("POST", "/previews", {
    finetune,
    guide: "guidepost/guide-tiny",
    prompt: "a big red house in a meadow",
    seed: "1",
    steps: 20,
  });

async function pictures(who: HubMember, id: string, count: number): Promise<void> {
  await eventually(
    `${count} of the pictures`,
    async () => must(200, await who.ask("GET", `/previews/${id}`)).body as unknown as PreviewView,
    (view) => view.pictures.length >= count,
  );
}

/** Other bytes in each round, and the same model: the last weight differs in its lowest bits. */
function withLastWeight(file: Buffer, round: number): Buffer {
  const changed = Buffer.from(file);
  changed[changed.length - 4] = (changed[changed.length - 4]! + 1 + round) % 256;
  return changed;
}

export const showUpload = (result: UploadResult): string =>
  `${table([
    ["since the first byte was sent", "seconds"],
    [`${(result.bytes / 1e6).toFixed(1)} MB uploaded, read and committed`, spread(result.committed, 1)],
    ["the first picture of a preview", spread(result.firstPicture, 1)],
    ["all three of it", spread(result.threePictures, 1)],
    ["the first verdict", spread(result.firstVerdict, 1)],
  ])}

${result.rounds} rounds, median (range). A preview is asked for as soon as the hub takes one. First looks: ${result.verdicts.join(", ")}.`;
