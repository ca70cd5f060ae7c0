import { type Part, partOf, type Tensors, within } from "./facts.ts";
import { type Family, familyOf } from "./family.ts";

/** The networks that a single-file checkpoint holds, told apart by the prefixes of LDM and its followers, and the family of the one that denoises. */
export function checkpointParts(tensors: Tensors): { parts: Part[]; family: Family | null } {
  const denoiser = familyOf(within(tensors, "model.diffusion_model."));
  const family =
    denoiser && tensors.has("edm_mean") ? { name: `${denoiser.name} (Playground 2.5)`, runs: false } : denoiser;
  const left = new Map(tensors);
  const parts = prefixes.flatMap(({ name, prefix }): Part[] => {
    const own = within(tensors, prefix);
    for (const rest of own.keys()) left.delete(prefix + rest);
    return own.size === 0 ? [] : [partOf(name, own, { family: familyOf(unwrap(own))?.name ?? null })];
  });
  return { parts: left.size === 0 ? parts : [...parts, partOf("other", left)], family };
}

const prefixes: readonly { name: string; prefix: string }[] = [
  { name: "denoiser", prefix: "model.diffusion_model." },
  { name: "vae", prefix: "first_stage_model." },
  { name: "vae", prefix: "vae." },
  { name: "text encoder", prefix: "cond_stage_model." },
  { name: "text encoder", prefix: "conditioner.embedders.0." },
  { name: "text encoder 2", prefix: "conditioner.embedders.1." },
  { name: "text encoder", prefix: "text_encoders.clip_l." },
  { name: "text encoder 2", prefix: "text_encoders.clip_g." },
  { name: "text encoder 3", prefix: "text_encoders.t5xxl." },
  { name: "moving average", prefix: "model_ema." },
];

/** Text encoders lie one level further down. */
function unwrap(tensors: Tensors): Tensors {
  const wrapping = ["transformer.", "model."].find((prefix) => tensors.keys().every((name) => name.startsWith(prefix)));
  return wrapping ? within(tensors, wrapping) : tensors;
}
