import { randomUUID } from "node:crypto";
import type { HubMember } from "../hub-member.ts";
import { must } from "../hub-member.ts";
import type { Sound } from "./from-schema.ts";

/** What is on a hub with the starter collection, so that requests name something that is there. `eve` gets a repo and an upload. */
export async function soundValues(eve: HubMember): Promise<Sound> {
  const repo = await eve.newRepo(`hostile-${randomUUID().slice(0, 8)}`);
  const card = Buffer.from("# A card\n").toString("base64");
  must(201, await eve.commit(repo, [{ op: "add", path: "README.md", content: card }]));
  const upload = must(201, await eve.begin(repo, { path: "weights.bin", size: 10 })).body.id as string;
  const list = async (path: string): Promise<{ items: Record<string, unknown>[]; next: string | null }> =>
    must(200, await eve.ask("GET", path)).body;

  const repos = await list("/repos?limit=100");
  const shown = repos.items.map(({ owner, name }) => `${String(owner)}/${String(name)}`);
  const ofKind = (wanted: string): string[] =>
    repos.items.filter(({ kind }) => kind === wanted).map(({ owner, name }) => `${String(owner)}/${String(name)}`);
  const [finetunes, guides, bases] = [ofKind("finetune"), ofKind("guide"), ofKind("base")];
  const pairs = (await list("/pairs")).items.map(({ id }) => String(id));
  const previews = (await list(`/previews?sheet=true`)).items.map(({ id }) => String(id));
  const lists = ["/repos", "/repos?sort=name", "/repos?sort=downloads", "/pairs", "/jobs", "/namespaces", "/previews"];
  const cursors = await Promise.all(
    [
      ...lists,
      ...bases.slice(0, 1).flatMap((base) => [`/repos/${base}/matrix`, `/repos/${base}/guides`, `/repos/${base}/tree`]),
    ].map(async (path) => (await list(`${path}${path.includes("?") ? "&" : "?"}limit=1`)).next),
  );
  const names = [...shown, repo, repo, repo];
  return new Map(
    Object.entries({
      owner: names.map((name) => name.split("/")[0]!),
      repo: names.map((name) => name.split("/")[1]!),
      name: ["main", "v1", eve.username],
      username: ["eve", "ben"],
      revision: ["main", "HEAD"],
      path: ["README.md", "unet/diffusion_pytorch_model.safetensors", "model_index.json", "unet"],
      subjectId: [...pairs, ...previews, upload],
      id: [...pairs, ...previews, upload],
      mode: ["guide", "cfg", "conditional"],
      action: ["cancel", "rerun", "show", "hide"],
      finetune: finetunes,
      guide: [...guides, "none"],
      base: bases,
      cursor: cursors.filter((cursor) => cursor !== null),
      limit: ["1", "30"],
      confirm: ["no"],
      visibility: ["private"],
      prompt: ["a big purple mushroom in the snow"],
      negativePrompt: [""],
      sampler: ["dpmsolver++", "ddim"],
      promptSyntax: ["plain"],
      size: ["256x256"],
      seed: ["1"],
      current: ["not the password"],
      email: ["nobody@example.org"],
      invitation: ["none"],
      kind: ["finetune"],
      content: [card],
      sha256: ["a".repeat(64)],
      license: ["apache-2.0"],
    } satisfies Record<string, readonly string[]>),
  );
}
