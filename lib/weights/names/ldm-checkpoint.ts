/**
 * Whether a tensor of a single-file checkpoint stands beside its networks and none of them needs it: the noise schedule,
 * which is computed from the config; the moving average that some trainers keep (diffusers takes the plain weights unless
 * asked for `extract_ema`, and a file with nothing else has no UNet there); scalars of the whole CLIP; and the empty tensors
 * `v_pred` and `ztsnr`, which say how the model was trained and are read where its schedule is decided.
 */
export const isBesideNetworks = (name: string): boolean => beside.has(name) || name.startsWith("model_ema.");

const beside = new Set([
  // Buffers of DDPM and LatentDiffusion (`ldm/models/diffusion/ddpm.py`) and of sgm's denoiser.
  "betas",
  "alphas_cumprod",
  "alphas_cumprod_prev",
  "sqrt_alphas_cumprod",
  "sqrt_one_minus_alphas_cumprod",
  "log_one_minus_alphas_cumprod",
  "sqrt_recip_alphas_cumprod",
  "sqrt_recipm1_alphas_cumprod",
  "posterior_variance",
  "posterior_log_variance_clipped",
  "posterior_mean_coef1",
  "posterior_mean_coef2",
  "lvlb_weights",
  "logvar",
  "scale_factor",
  "denoiser.sigmas",
  "global_step",
  // Ends of CLIP that ComfyUI saved beside the transformer of the first text encoder.
  "cond_stage_model.logit_scale",
  "cond_stage_model.text_projection",
  "conditioner.embedders.0.logit_scale",
  "conditioner.embedders.0.text_projection",
  "v_pred",
  "ztsnr",
]);
