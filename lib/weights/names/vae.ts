/**
 * AutoencoderKL. Our names are those of diffusers since 0.15; before that the attention of the middle block was spelt
 * otherwise, and published SD 1.x and 2.x folders still are.
 */
const oldAttention: Readonly<Record<string, string>> = {
  query: "to_q",
  key: "to_k",
  value: "to_v",
  proj_attn: "to_out.0",
};

export function vaeName(foreign: string): string {
  return foreign.replace(/(?<=\.attentions\.\d\.)(query|key|value|proj_attn)(?=\.)/, (old) => oldAttention[old]!);
}
