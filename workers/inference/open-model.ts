import { realpath, stat } from "node:fs/promises";
import { cfgLayoutFor } from "#lib/diffusion/cfg-layout.ts";
import { type CoarsePicture, fitCoarsePicture } from "#lib/diffusion/coarse-picture.ts";
import { clipSkipOf } from "#lib/diffusion/clip-skip.ts";
import { openGuide } from "#lib/diffusion/guide-network.ts";
import { type ModelFiles, usedFiles } from "#lib/diffusion/model-files.ts";
import type { Component } from "#lib/diffusion/model.ts";
import { openText, pictureEncoder, type Pipeline, unetParts } from "#lib/diffusion/pipeline.ts";
import { promptsOf } from "#lib/diffusion/sample.ts";
import { latentSizeOf, type SampleRequest } from "#lib/diffusion/sample-request.ts";
import { openUNet } from "#lib/diffusion/unet-networks.ts";
import { openVaeDecoder } from "#lib/diffusion/vae-networks.ts";
import { vaeSize } from "#lib/diffusion/vae-size.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import type { FileRole, Recipe } from "#lib/picture/recipe.ts";
import { type AdaptedNetwork, textEncoderNetworks } from "#lib/weights/adapters/names.ts";
import { sha256OfFile } from "#lib/util/sha256.ts";
import { openFile } from "#lib/weights/byte-source.ts";
import { tensorsSha256 } from "#lib/weights/tensors-sha256.ts";

export interface OpenModel {
  readonly pipeline: Omit<Pipeline, "close">;
  /** What was not open already. */
  readonly opened: readonly Part[];
  coarsePicture(): Promise<CoarsePicture>;
  /** Every file that decides the picture, hashed. */
  hashedFiles(): Promise<Recipe["files"]>;
}

export type Part = "text" | "unet" | "guide" | "vae";

interface Kept {
  readonly key: string;
  readonly network: { close(): Promise<void> };
}

/**
 * What this process keeps open between two jobs: one network of each kind. It is the same while all that decides it is, so another
 * guide leaves the base open, and another fine-tune what it has in common with the last one.
 */
const kept = new Map<Part, Kept>();
let coarse: { readonly key: string; readonly picture: CoarsePicture } | null = null;
let hashes = new Map<string, Hashes>();

/** Opens a model for one job; without `files.guide` the job needs none. */
export async function openModel(files: ModelFiles, request: SampleRequest, runtime: Runtime): Promise<OpenModel> {
  const { model, guide } = files;
  const size = latentSizeOf(files, request);
  const clipSkip = clipSkipOf(model, request);
  const used = await Promise.all(usedFiles(files).map(async (file) => ({ ...file, key: await contentKey(file.path) })));
  const opened: Part[] = [];
  const keep = async <T extends { close(): Promise<void> }>(
    part: Part,
    what: readonly unknown[],
    open: () => Promise<T>,
  ): Promise<T> => {
    const key = JSON.stringify([runtime, ...what]);
    const found = kept.get(part);
    if (found?.key === key) return found.network as T;
    opened.push(part);
    kept.delete(part);
    await found?.network.close(); // first, since two may not fit
    const network = await open();
    kept.set(part, { key, network });
    return network;
  };
  const keysOf = (role: (typeof used)[number]["role"]) =>
    used.filter((file) => file.role === role).map(({ key, strength }) => [key, strength]);
  const of = async ({ config, files: own }: Component<unknown>): Promise<unknown> => [
    config,
    await Promise.all(own.map(({ path }) => contentKey(path))),
  ];

  /** An adapter that leaves a network alone does not make it another one. */
  const adaptersOf = (...networks: readonly AdaptedNetwork[]): Promise<unknown> =>
    Promise.all(
      files.lowRank
        .filter((adapter) => networks.some((network) => adapter[network].size > 0))
        .map(async ({ file, strengths }) => [
          await contentKey(file.path),
          ...networks.map((network) => strengths[network]),
        ]),
    );

  const words = [keysOf("embedding"), files.embeddings.map(({ words: all }) => all.map(({ token }) => token))];
  const encoders = await Promise.all(model.textEncoders.map(of));
  const textAdapters = await adaptersOf(...textEncoderNetworks);
  const text = await keep("text", [encoders, keysOf("tokenizer"), textAdapters, words, clipSkip], () =>
    openText(files, runtime, clipSkip),
  );
  const parts = unetParts(files, size, text.tokensFor(promptsOf(request)));
  const unet = await keep("unet", [await of(model.unet), await adaptersOf("unet"), size, parts.tokens], () =>
    openUNet(parts, runtime, guide ? "guided" : "plain"),
  );
  const openedGuide =
    guide && (await keep("guide", [keysOf("guide"), size, parts.tokens], () => openGuide(guide, parts, runtime)));
  const vaeKey = await of(model.vae);
  const vae = await keep("vae", [vaeKey, size], () => openVaeDecoder(model.vae, vaeSize(model, size), runtime));
  return {
    pipeline: {
      files,
      size,
      cfgLayout: cfgLayoutFor(model.unet.weights.parameters),
      text,
      unet,
      guide: openedGuide,
      vae,
      encodePictures: pictureEncoder(model, size, runtime),
    },
    opened,
    coarsePicture: async () => {
      const key = JSON.stringify([runtime, vaeKey]);
      if (coarse?.key !== key) coarse = { key, picture: await fitCoarsePicture(model.vae, runtime) };
      return coarse.picture;
    },
    hashedFiles: async () => {
      const known = hashes;
      hashes = new Map(
        await Promise.all(
          used.map(async ({ key, path, role }): Promise<[string, Hashes]> => [
            key,
            known.get(key) ?? (await hashesOf(path, role)),
          ]),
        ),
      );
      return used.map(({ path: _path, key, ...file }) => ({ ...file, ...hashes.get(key)! }));
    },
  };
}

type Hashes = Pick<Recipe["files"][number], "sha256" | "tensorsSha256">;

async function hashesOf(path: string, role: FileRole): Promise<Hashes> {
  const sha256 = await sha256OfFile(path);
  if (role !== "lora") return { sha256 };
  const source = await openFile(path);
  try {
    return { sha256, tensorsSha256: await tensorsSha256(source) };
  } finally {
    await source.close();
  }
}

/** The same for two paths that lead to the same bytes, whatever links they go through. */
async function contentKey(path: string): Promise<string> {
  const [real, { size, mtimeMs, ino }] = await Promise.all([realpath(path), stat(path)]);
  return `${real} ${ino} ${size} ${mtimeMs}`;
}
