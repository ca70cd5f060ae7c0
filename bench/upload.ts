import type { PairView } from "#lib/catalog/pairs/schema.ts";
import type { PreviewView } from "#lib/catalog/previews/schema.ts";
import { starterFiles } from "../tests/support/evidence.ts";
import { freePort } from "../tests/support/free-port.ts";
import { measureOnly } from "../tests/support/held-checks.ts";
import type { ApiAnswer } from "../tests/support/upload-client.ts";
import { eventually, HubMember, must } from "../tests/support/hub-member.ts";
import { newFolder, removeFolder, startHub } from "../tests/support/running-hub.ts";
import { progress } from "./progress.ts";
import { table } from "./table.ts";

/** Seconds since the first byte of an upload was sent. */
interface Uploaded {
  readonly style: string;
  readonly bytes: number;
  readonly committed: number;
  readonly firstPicture: number;
  readonly threePictures: number;
  readonly firstVerdict: number;
  readonly verdict: string;
}

export interface UploadResult {
  readonly uploads: readonly Uploaded[];
}

const GUIDE = "guidepost/guide-tiny";
/** A whole fine-tune, and low-rank files, in styles that the judge was tested on: elsewhere it draws nothing. */
const STYLES = ["watercolor", "pixel-lora", "clay-lora", "neon-lora", "pencil-lora"] as const;

/**
 * A person uploads a fine-tune to a hub that does nothing else and has measured nothing, asks for a preview as soon as the hub takes one,
 * then for a measurement, and waits for its first look.
 */
export async function benchUpload(rounds: number): Promise<UploadResult> {
  const folder = await newFolder();
  const hub = await startHub({ folder, port: await freePort(), variables: { GUIDEPOST_STARTER: "load" } });
  try {
    const ann = await HubMember.join(/^ {2}(\S+\/join\?invitation=\S+)$/m.exec(hub.said())![1]!, "ann");
    await eventually("the starter collection", () => previewOf(ann, "guidepost/watercolor"), isTaken);
    await measureOnly(folder, []); // the starter's own pairs would be measured beside it
    const uploads: Uploaded[] = [];
    for (const style of STYLES.slice(0, rounds)) {
      progress(style);
      uploads.push(await uploadOf(ann, style));
    }
    return { uploads };
  } finally {
    progress("");
    await hub.stop();
    await removeFolder(folder);
  }
}

async function uploadOf(ann: HubMember, style: (typeof STYLES)[number]): Promise<Uploaded> {
  const files = await starterFiles(style);
  const repo = await ann.newRepo(`my-${style}`);
  const began = performance.now();
  const since = (): number => (performance.now() - began) / 1000;
  const operations = [];
  let bytes = 0;
  for (const [path, content] of Object.entries(files)) {
    const file = Buffer.from(content);
    bytes += file.length;
    operations.push({ op: "add" as const, path, upload: await ann.verified(repo, path, file) });
  }
  must(201, await ann.commit(repo, operations));
  const committed = since();
  const { body } = await eventually("a preview taken", () => previewOf(ann, repo), isTaken);
  await pictures(ann, body.id as string, 1);
  const firstPicture = since();
  await pictures(ann, body.id as string, 3);
  const threePictures = since();
  // The hub has these bytes under another name, whose measuring was put off.
  const { id } = must(202, await ann.ask("POST", "/pairs", { finetune: repo, guide: GUIDE }))
    .body as unknown as PairView;
  const { verdict } = await eventually(
    "the first look",
    async () => must(200, await ann.ask("GET", `/pairs/${id}`)).body as unknown as PairView,
    ({ measuredAt }) => measuredAt !== null,
    1200,
  );
  const firstVerdict = since();
  return { style, bytes, committed, firstPicture, threePictures, firstVerdict, verdict };
}

const isTaken = ({ status }: ApiAnswer): boolean => status === 202;

const previewOf = (who: HubMember, finetune: string): Promise<ApiAnswer> =>
  who.ask("POST", "/previews", {
    finetune,
    guide: GUIDE,
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

export const showUpload = ({ uploads }: UploadResult): string =>
  `${table([
    ["seconds since the first byte", ...uploads.map(({ style }) => style)],
    ["megabytes", ...uploads.map(({ bytes }) => (bytes / 1e6).toFixed(1))],
    ["uploaded, read and committed", ...uploads.map(({ committed }) => committed.toFixed(1))],
    ["the first picture of a preview", ...uploads.map(({ firstPicture }) => firstPicture.toFixed(1))],
    ["all three of it", ...uploads.map(({ threePictures }) => threePictures.toFixed(1))],
    ["the first verdict", ...uploads.map(({ firstVerdict }) => firstVerdict.toFixed(1))],
    ["which says", ...uploads.map(({ verdict }) => verdict)],
  ])}

A preview is asked for as soon as the hub takes one; the first verdict rests on 48 prompts.`;
