import type { ConfigJson } from "../family.ts";

const scaledLinear: ConfigJson = {
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  clip_sample: false,
  num_train_timesteps: 1000,
  set_alpha_to_one: false,
  skip_prk_steps: true,
  steps_offset: 1,
  trained_betas: null,
};

/** stable-diffusion-v1-5 and stable-diffusion-2-1-base */
export const pndm: ConfigJson = { ...scaledLinear, _class_name: "PNDMScheduler", prediction_type: "epsilon" };

/** stable-diffusion-2-1 */
export const ddimV: ConfigJson = { ...scaledLinear, _class_name: "DDIMScheduler", prediction_type: "v_prediction" };

/** stable-diffusion-xl-base-1.0 */
export const euler: ConfigJson = {
  ...scaledLinear,
  _class_name: "EulerDiscreteScheduler",
  interpolation_type: "linear",
  prediction_type: "epsilon",
  sample_max_value: 1.0,
  timestep_spacing: "leading",
  use_karras_sigmas: false,
};
