import type { Value } from "../graph.ts";
import { commonType, mismatch } from "./math.ts";

/**
 * softmax(q·kᵀ / √(C / heads)) · v, each head on its own slice of the channels.
 *
 * q [B, S, C], k and v [B, T, C] → [B, S, C]; `causal` hides later positions. The fused kernel holds one block of scores at
 * a time; MatMul, Softmax, MatMul is as fast but holds all of them (5.35 instead of 4.15 GB on SD 1.5 at 512 px).
 */
export function attention(q: Value, k: Value, v: Value, heads: number, { causal = false } = {}): Value {
  const type = commonType("Attention", q, k, v);
  const channels = Number(q.shape[2]);
  if (k.shape[2] !== channels || v.shape[2] !== channels || channels % heads)
    throw mismatch("Attention", q.shape, k.shape);
  return q.graph.append({ type: "Attention", heads, causal }, [q, k, v], { shape: q.shape, type });
}
