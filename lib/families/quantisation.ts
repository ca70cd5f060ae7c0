import type { Shapes } from "./family.ts";

/** How a file packs its weights, where it does not keep them as plain numbers. */
export interface Quantisation {
  /** “NF4 of bitsandbytes” */
  readonly name: string;
}

/** Told by the tensors that lie beside a packed weight and say how to unpack it. */
export function quantisationOf(tensors: Shapes): Quantisation | null {
  const found = methods.find(({ ends }) => tensors.keys().some((name) => ends.some((end) => name.endsWith(end))));
  return found ? { name: found.name } : null;
}

const methods: readonly { readonly name: string; readonly ends: readonly string[] }[] = [
  { name: "NF4 of bitsandbytes", ends: [".quant_state.bitsandbytes__nf4"] },
  { name: "FP4 of bitsandbytes", ends: [".quant_state.bitsandbytes__fp4"] },
  { name: "4 bits of bitsandbytes", ends: [".absmax"] },
  { name: "LLM.int8 of bitsandbytes", ends: [".SCB"] },
  { name: "SVDQuant", ends: [".wscales", ".smooth_factor"] },
  { name: "GPTQ or AWQ", ends: [".qweight"] },
  { name: "scaled fp8", ends: ["scaled_fp8", ".scale_weight", ".comfy_quant"] },
];
