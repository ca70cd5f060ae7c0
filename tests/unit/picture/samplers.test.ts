import { expect, test } from "vitest";
import { a1111SamplerNames, matchA1111Sampler, matchComfySampler } from "#lib/picture/samplers.ts";
import { samplerNames } from "#lib/sampler-names.ts";

/** Name and schedule as they are written → ours, or the nearest in brackets. */
const shown = ({ name, nearest }: ReturnType<typeof matchA1111Sampler>): string =>
  name ?? (nearest ? `(${nearest})` : "none");

test.each<[sampler: string, schedule: string | null, ours: string]>([
  ["DPM++ 2M", null, "dpmpp-2m"], // before 1.9 the plain schedule had no name
  ["DPM++ 2M", "Automatic", "dpmpp-2m-karras"], // since then it is the sampler's own
  ["DPM++ 2M", "Uniform", "dpmpp-2m"],
  ["DPM++ 2M", "Karras", "dpmpp-2m-karras"],
  ["DPM++ 2M Karras", null, "dpmpp-2m-karras"],
  ["DPM++ 2M", "Exponential", "(dpmpp-2m)"],
  ["DPM++ 2M SDE Karras", null, "(dpmpp-2m-sde)"],
  ["DPM++ 2M SDE", "Karras", "(dpmpp-2m-sde)"],
  ["DPM++ 2M SDE", "Automatic", "(dpmpp-2m-sde)"],
  ["DPM++ 2M SDE", null, "dpmpp-2m-sde"],
  ["DPM++ 2M SDE Heun Exponential", null, "(dpmpp-2m-sde)"],
  ["DPM++ 3M SDE", "Karras", "(dpmpp-2m-sde)"],
  ["DPM++ SDE Karras", null, "(dpmpp-2m-sde)"],
  ["Euler", "Automatic", "euler"],
  ["Euler a", "Automatic", "euler-a"],
  ["euler A", null, "euler-a"],
  ["Euler", "SGM Uniform", "(euler)"],
  ["Euler a", "Karras", "(euler-a)"],
  ["Heun", "Automatic", "heun"],
  ["LCM", "Automatic", "lcm"],
  ["DDIM", "Automatic", "ddim"],
  ["PLMS", null, "pndm"],
  ["UniPC", null, "(unipc)"],
  ["DPM2 a Karras", null, "(euler-a)"],
  ["Restart", "Automatic", "(heun)"],
  ["a stranger's", null, "none"],
])("AUTOMATIC1111's “%s” with the schedule %s is %s", (sampler, schedule, ours) => {
  const match = matchA1111Sampler(sampler, schedule);
  expect(shown(match)).toBe(ours);
  if (match.name === null) expect(match.note).toContain(`“${match.written}”`);
});

test.each<[sampler: string, scheduler: string, ours: string]>([
  ["euler", "normal", "euler"],
  ["euler", "karras", "(euler)"],
  ["euler_ancestral", "normal", "euler-a"],
  ["heun", "normal", "heun"],
  ["dpmpp_2m", "normal", "dpmpp-2m"],
  ["dpmpp_2m", "karras", "dpmpp-2m-karras"],
  ["dpmpp_2m", "sgm_uniform", "(dpmpp-2m)"],
  ["dpmpp_2m_sde", "karras", "(dpmpp-2m-sde)"],
  ["dpmpp_2m_sde_gpu", "normal", "dpmpp-2m-sde"],
  ["ddim", "ddim_uniform", "ddim"],
  ["ddim", "normal", "ddim"],
  ["uni_pc_bh2", "normal", "(unipc)"],
  ["lcm", "normal", "lcm"],
  ["res_multistep", "simple", "none"],
])("ComfyUI's %s with %s is %s", (sampler, scheduler, ours) => {
  expect(shown(matchComfySampler(sampler, scheduler))).toBe(ours);
});

test("what we write of ours is read as ours, but for UniPC, which is another there", () => {
  for (const name of samplerNames)
    expect(shown(matchA1111Sampler(...a1111SamplerNames[name]))).toBe(name === "unipc" ? "(unipc)" : name);
});
