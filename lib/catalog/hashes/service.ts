import type { Actor } from "#lib/auth/actor.ts";
import { can } from "#lib/catalog/kinds.ts";
import { env } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";
import { filesWithHashes, type HashedFile } from "./repository.ts";
import type { ModelVersion } from "./schema.ts";

/** The file that goes by a hash, with its repo. @throws not_found */
export async function getByHash(actor: Actor, hash: string): Promise<ModelVersion> {
  const [found] = await listByHash(actor, [hash]);
  if (found) return found;
  throw new AppError("not_found", `No file here that you may see goes by ${hash}; look for its name.`, { hash });
}

/** What is here of some hashes, each file once, in their order. */
export async function listByHash(actor: Actor, hashes: readonly string[]): Promise<ModelVersion[]> {
  const wanted = [...new Set(hashes)];
  const found = new Map((await filesWithHashes(actor, wanted)).map((file) => [file.hash, file]));
  const files = wanted.flatMap((hash) => found.get(hash) ?? []);
  return [...new Map(files.map((file) => [file.sha256, file])).values()].map(toVersion);
}

/** Names of hashes as Civitai spells them; none of its tools knows another. */
const spelled = { autov1: "AutoV1", autov2: "AutoV2", autov3: "AutoV3", crc32: "CRC32", blake3: "BLAKE3" } as const;

function toVersion(file: HashedFile): ModelVersion {
  const { owner, name, kind, commit, path, sha256, base, summary, downloads, isHead } = file;
  const createdAt = file.createdAt.toISOString();
  const downloadUrl = [
    env().publicUrl,
    owner,
    name,
    "resolve",
    commit,
    ...path.split("/").map(encodeURIComponent),
  ].join("/");
  const others = Object.entries(spelled).flatMap(([algorithm, word]) => {
    const value = file.others[algorithm];
    return value === undefined ? [] : [[word, value.toUpperCase()]];
  });
  return {
    id: numberOf(commit),
    modelId: numberOf(file.repoId.replaceAll("-", "").slice(-13)),
    name: commit.slice(0, 7),
    baseModel: base ?? "Other",
    createdAt,
    publishedAt: createdAt,
    trainedWords: [],
    description: summary || null,
    stats: { downloadCount: downloads },
    model: { name: `${owner}/${name}`, type: typeOf(file), nsfw: false, poi: false },
    files: [
      {
        id: numberOf(sha256),
        name: path.split("/").at(-1)!,
        type: "Model",
        sizeKB: Number(file.size) / 1024,
        metadata: { format: /\.safetensors$/i.test(path) ? "SafeTensor" : "Other" },
        hashes: { SHA256: sha256.toUpperCase(), ...Object.fromEntries(others) },
        primary: true,
        downloadUrl,
      },
    ],
    images: [],
    downloadUrl,
    repo: `${owner}/${name}`,
    commit,
    path,
    sha256,
    kind,
    isHead,
  };
}

/** As many digits as a number of JavaScript holds exactly. */
const numberOf = (digits: string): number => Number.parseInt(digits.slice(0, 13), 16);

const typeOf = ({ kind, factKind }: HashedFile): string =>
  !can({ kind }, "draws") ? "Other" : factKind === "low-rank fine-tune" ? "LORA" : "Checkpoint";
