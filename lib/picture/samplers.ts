import type { SamplerName } from "#lib/sampler-names.ts";

/** What another tool calls a sampler, and what of ours it is. */
export interface SamplerMatch {
  /** As it is written there. */
  readonly written: string;
  /** Ours by the same rule; null where there is none. */
  readonly name: SamplerName | null;
  /** The nearest of ours where none is the same; null where not even that can be said. */
  readonly nearest: SamplerName | null;
  /** How its timesteps are spaced, by diffusers' word; null where sigmas decide, or nobody knows. */
  readonly timestepSpacing: "linspace" | "leading" | null;
  /** What differs, in words. */
  readonly note: string | null;
}

/**
 * By AUTOMATIC1111's names (1.10.1: modules/sd_samplers_kdiffusion.py, sd_samplers_timesteps.py, sd_schedulers.py).
 * Until 1.9 the noise schedule is part of the name (“DPM++ 2M Karras”); since then it stands in `schedule`, where
 * “Automatic” is the sampler's own.
 */
export function matchA1111Sampler(sampler: string, schedule: string | null): SamplerMatch {
  const [base, ofName] = partSchedule(sampler.trim().toLowerCase());
  const stated = schedule?.trim().toLowerCase() ?? null;
  const isAutomatic = stated === "automatic" && ofName === null;
  const levels = isAutomatic ? (automatic.get(base) ?? "uniform") : (ofName ?? stated ?? "uniform");
  const shown = stated === null || isAutomatic || ofName !== null ? sampler : `${sampler} ${schedule}`;
  return match(a1111Rules.get(base), levels === "automatic" ? "uniform" : levels, shown);
}

/** By ComfyUI's names (comfy/samplers.py: KSAMPLER_NAMES and SCHEDULER_NAMES). */
export function matchComfySampler(sampler: string, scheduler: string): SamplerMatch {
  const base = sampler.trim().toLowerCase();
  const levels = scheduler.trim().toLowerCase().replaceAll("_", " ");
  return match(comfyRules.get(base), levels === "normal" ? "uniform" : levels, `${sampler} ${scheduler}`);
}

interface Rule {
  readonly ours: SamplerName;
  /** Why ours is only the nearest; null where it is the same. */
  readonly differs: string | null;
  /** Steps over the training's own timesteps, and not over sigmas. */
  readonly isOnTimesteps?: true;
}

const same = (ours: SamplerName): Rule => ({ ours, differs: null });
const near = (ours: SamplerName, differs = "is another sampler"): Rule => ({ ours, differs });

const bh1 = "is UniPC of order 3 in the variant bh1, ours of order 2 in bh2";
const plms: Rule = { ours: "pndm", differs: null, isOnTimesteps: true };

const a1111Rules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["ddim", { ours: "ddim", differs: null, isOnTimesteps: true }],
  ["plms", plms],
  ["unipc", near("unipc", bh1)],
  ["euler", same("euler")],
  ["euler a", same("euler-a")],
  ["heun", same("heun")],
  ["lcm", same("lcm")],
  ["dpm++ 2m", same("dpmpp-2m")],
  ["dpm++ 2m sde", same("dpmpp-2m-sde")],
  ["dpm++ 2m sde heun", near("dpmpp-2m-sde")],
  ["dpm++ 3m sde", near("dpmpp-2m-sde")],
  ["dpm++ sde", near("dpmpp-2m-sde")],
  ["dpm++ 2s a", near("euler-a")],
  ["dpm2", near("heun")],
  ["dpm2 a", near("euler-a")],
  ["dpm fast", near("dpmpp-2m")],
  ["dpm adaptive", near("dpmpp-2m", "chooses its steps itself")],
  ["lms", near("pndm")],
  ["restart", near("heun")],
  ["heunpp2", near("heun")],
  ["ipndm", near("pndm")],
  ["ipndm_v", near("pndm")],
  ["deis", near("dpmpp-2m")],
  ["ddim cfg++", near("ddim", "guides in another way")],
]);

const comfyRules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["ddim", same("ddim")],
  ["euler", same("euler")],
  ["euler_ancestral", same("euler-a")],
  ["heun", same("heun")],
  ["lcm", same("lcm")],
  ["dpmpp_2m", same("dpmpp-2m")],
  ["dpmpp_2m_sde", same("dpmpp-2m-sde")],
  ["dpmpp_2m_sde_gpu", same("dpmpp-2m-sde")],
  ["uni_pc", near("unipc", bh1)],
  ["uni_pc_bh2", near("unipc", "is UniPC of order 3, ours of order 2")],
  ["euler_cfg_pp", near("euler", "guides in another way")],
  ["euler_ancestral_cfg_pp", near("euler-a", "guides in another way")],
  ["dpmpp_sde", near("dpmpp-2m-sde")],
  ["dpmpp_sde_gpu", near("dpmpp-2m-sde")],
  ["dpmpp_3m_sde", near("dpmpp-2m-sde")],
  ["dpmpp_3m_sde_gpu", near("dpmpp-2m-sde")],
  ["dpmpp_2s_ancestral", near("euler-a")],
  ["dpm_2", near("heun")],
  ["dpm_2_ancestral", near("euler-a")],
  ["dpm_fast", near("dpmpp-2m")],
  ["dpm_adaptive", near("dpmpp-2m", "chooses its steps itself")],
  ["heunpp2", near("heun")],
  ["lms", near("pndm")],
  ["ipndm", near("pndm")],
  ["ipndm_v", near("pndm")],
  ["deis", near("dpmpp-2m")],
  ["ddpm", near("euler-a")],
]);

/** What “Automatic” is for samplers that have a schedule of their own. */
const automatic: ReadonlyMap<string, string> = new Map([
  ["dpm++ 2m", "karras"],
  ["dpm++ sde", "karras"],
  ["dpm++ 2s a", "karras"],
  ["dpm2", "karras"],
  ["dpm2 a", "karras"],
  ["restart", "karras"],
  ["dpm++ 2m sde", "exponential"],
  ["dpm++ 2m sde heun", "exponential"],
  ["dpm++ 3m sde", "exponential"],
]);

/** “DPM++ 2M SDE Karras” → its sampler and its schedule. */
function partSchedule(name: string): [base: string, schedule: string | null] {
  for (const schedule of ["karras", "exponential", "polyexponential", "sgm uniform", "sgmuniform"])
    if (name.endsWith(` ${schedule}`)) return [name.slice(0, -schedule.length - 1).trim(), schedule];
  return [name, null];
}

function match(rule: Rule | undefined, levels: string, written: string): SamplerMatch {
  const unknown = { written, name: null, nearest: null, timestepSpacing: null };
  if (!rule) return { ...unknown, note: `The sampler “${written.slice(0, 60)}” is not known; choose one.` };
  const { ours, differs, isOnTimesteps } = rule;
  if (ours === "dpmpp-2m" && levels === "karras" && differs === null)
    return { ...unknown, name: "dpmpp-2m-karras", note: null };
  const isPlain = levels === "uniform" || (levels === "ddim uniform" && ours === "ddim") || isOnTimesteps === true;
  const why = [...(differs === null ? [] : [differs]), ...(isPlain ? [] : [`has the noise schedule ${levels}`])];
  if (why.length > 0) {
    const note = `The sampler “${written.slice(0, 60)}” ${why.join(" and ")}; the nearest here is ${ours}.`;
    return { ...unknown, nearest: ours, note };
  }
  const note =
    ours === "dpmpp-2m-sde"
      ? `The sampler “${written.slice(0, 60)}” adds noise at each step, drawn there in another way: the picture will differ.`
      : null;
  const timestepSpacing = isOnTimesteps || levels === "ddim uniform" ? "leading" : "linspace";
  return { written, name: ours, nearest: ours, timestepSpacing, note };
}

/** As AUTOMATIC1111 spells ours: the sampler and, where it is not the plain one, the noise schedule. */
export const a1111SamplerNames: Readonly<Record<SamplerName, readonly [sampler: string, schedule: string | null]>> = {
  ddim: ["DDIM", null],
  "dpmpp-2m": ["DPM++ 2M", "Uniform"], // “Automatic” would be Karras
  "dpmpp-2m-karras": ["DPM++ 2M", "Karras"],
  "dpmpp-2m-sde": ["DPM++ 2M SDE", "Uniform"],
  euler: ["Euler", null],
  "euler-a": ["Euler a", null],
  heun: ["Heun", null],
  unipc: ["UniPC", null],
  pndm: ["PLMS", null],
  lcm: ["LCM", null],
};
