/**
 * The rules that move a step, by the names that commands, requests and recipes use. The first is the default
 * everywhere.
 */
export const samplerNames = [
  "ddim",
  "dpmpp-2m",
  "dpmpp-2m-karras",
  "dpmpp-2m-sde",
  "euler",
  "euler-a",
  "heun",
  "unipc",
  "pndm",
  "lcm",
] as const;

export type SamplerName = (typeof samplerNames)[number];

/** For people, as A1111 spells them. */
export const samplerLabels: Readonly<Record<SamplerName, string>> = {
  ddim: "DDIM",
  "dpmpp-2m": "DPM++ 2M",
  "dpmpp-2m-karras": "DPM++ 2M Karras",
  "dpmpp-2m-sde": "DPM++ 2M SDE",
  euler: "Euler",
  "euler-a": "Euler a",
  heun: "Heun",
  unipc: "UniPC",
  pndm: "PLMS",
  lcm: "LCM",
};
