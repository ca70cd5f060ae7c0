import type { SamplerName } from "#lib/sampler-names.ts";

/**
 * diffusers' scheduler classes (0.42.1) that share one kind of noise, and the sampler that is each or stands nearest to
 * it. TCD without its added noise is DDIM on the timesteps of LCM.
 */
const nearest: ReadonlyMap<string, SamplerName> = new Map([
  ["DDIMScheduler", "ddim"],
  ["DDIMParallelScheduler", "ddim"],
  ["DDIMInverseScheduler", "ddim"],
  ["DDPMScheduler", "euler-a"],
  ["DDPMParallelScheduler", "euler-a"],
  ["DEISMultistepScheduler", "dpmpp-2m"],
  ["DPMSolverMultistepScheduler", "dpmpp-2m"],
  ["DPMSolverMultistepInverseScheduler", "dpmpp-2m"],
  ["DPMSolverSinglestepScheduler", "dpmpp-2m"],
  ["DPMSolverSDEScheduler", "dpmpp-2m-sde"],
  ["EulerDiscreteScheduler", "euler"],
  ["EulerAncestralDiscreteScheduler", "euler-a"],
  ["HeunDiscreteScheduler", "heun"],
  ["KDPM2DiscreteScheduler", "heun"],
  ["KDPM2AncestralDiscreteScheduler", "euler-a"],
  ["LCMScheduler", "lcm"],
  ["LMSDiscreteScheduler", "euler"],
  ["PNDMScheduler", "pndm"],
  ["SASolverScheduler", "dpmpp-2m-sde"],
  ["TCDScheduler", "ddim"],
  ["UniPCMultistepScheduler", "unipc"],
]);

export const isKnownScheduler = (className: string): boolean => nearest.has(className);

/** The sampler to offer for the scheduler class that a model's file names; null where none comes near. */
export const nearestSampler = (className: string): SamplerName | null => nearest.get(className) ?? null;
