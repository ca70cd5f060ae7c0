import { createHash } from "node:crypto";
import { AppError } from "#lib/errors.ts";
import type { ByteSource } from "./byte-source.ts";

/**
 * The sha256 of a safetensors file's tensors alone, everything behind its header, in lower-case hex: kohya's
 * `sshs_model_hash`, by whose first twelve digits AUTOMATIC1111's web UI (modules/hashes.py, `addnet_hash_safetensors`)
 * and model sites (“AutoV3”) name a LoRA. It stays the same when only the metadata change. Read in pieces of 4 MiB.
 *
 * @throws malformed_weights where the header would be longer than the file
 */
export async function tensorsSha256(source: ByteSource): Promise<string> {
  const length = source.size < PREFIX_BYTES ? null : await source.read(0, PREFIX_BYTES);
  const header = length === null ? Infinity : Number(new DataView(length.buffer).getBigUint64(0, true));
  if (header > source.size - PREFIX_BYTES)
    throw new AppError("malformed_weights", `${source.name} has no whole safetensors header; get the file again.`, {
      size: source.size,
    });
  const hash = createHash("sha256");
  for (let begin = PREFIX_BYTES + header; begin < source.size; begin += PIECE_BYTES)
    hash.update(await source.read(begin, Math.min(begin + PIECE_BYTES, source.size)));
  return hash.digest("hex");
}

const PREFIX_BYTES = 8; // the header's length
const PIECE_BYTES = 4 * 2 ** 20;
