/** The tensors whose names begin with `prefix`, under the rest of their names. */
export function within<Entry>(tensors: ReadonlyMap<string, Entry>, prefix: string): Map<string, Entry> {
  const found = new Map<string, Entry>();
  for (const [name, entry] of tensors) if (name.startsWith(prefix)) found.set(name.slice(prefix.length), entry);
  return found;
}

/** A network that somebody saved under the name that it had in a program: most of its names begin alike. Null for others. */
export function unwrapped<Entry extends { readonly shape: readonly number[] }>(
  tensors: ReadonlyMap<string, Entry>,
): Map<string, Entry> | null {
  for (const prefix of wrappings) {
    const inner = within(tensors, prefix);
    if (2 * inner.size > tensors.size) return inner;
  }
  return null;
}

const wrappings: readonly string[] = [
  "diffusion_model.",
  "first_stage_model.",
  "cond_stage_model.transformer.",
  "cond_stage_model.model.",
  "conditioner.embedders.0.transformer.",
  "conditioner.embedders.0.model.",
  "conditioner.embedders.1.model.",
  "text_encoders.clip_l.transformer.",
  "text_encoders.clip_g.transformer.",
  "text_encoders.t5xxl.transformer.",
  "vae.",
  "unet.",
  "transformer.",
  "net.",
  "model.",
  "module.",
];

/** Tensors that single files bring and no network asks for: tables that can be computed, markers and what training left. */
export const isSurplus = (name: string): boolean =>
  surplusNames.has(name) || surplusPrefixes.some((prefix) => name.startsWith(prefix)) || surplusEnds.test(name);

const surplusPrefixes: readonly string[] = ["model_ema.", "denoiser.", "loss."];
const surplusEnds = /\.(position_ids|logit_scale)$/;
const surplusNames: ReadonlySet<string> = new Set([
  "alphas_cumprod",
  "alphas_cumprod_prev",
  "betas",
  "logvar",
  "log_one_minus_alphas_cumprod",
  "posterior_log_variance_clipped",
  "posterior_mean_coef1",
  "posterior_mean_coef2",
  "posterior_variance",
  "scale_factor",
  "sqrt_alphas_cumprod",
  "sqrt_one_minus_alphas_cumprod",
  "sqrt_recip_alphas_cumprod",
  "sqrt_recipm1_alphas_cumprod",
  "v_pred",
  "ztsnr",
]);
