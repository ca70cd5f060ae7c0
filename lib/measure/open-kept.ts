import { cpus } from "node:os";
import { runtimeVersion } from "#lib/onnx/runtime.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import type { Kept } from "./arm.ts";
import type { Networks } from "./pair-networks.ts";
import { type PiecePlace, Pieces } from "./pieces.ts";
import type { StyleTests } from "./style/styles-of-pair.ts";

/** Where what a model does by itself is kept, and by which each evaluator is known. */
export interface KeptPlace extends PiecePlace {
  readonly evaluators: readonly string[];
}

/** What a model does by itself, kept under all that decides its numbers beside its weights and what is drawn. */
export function openKept(
  { evaluators, cfgLayout }: Networks,
  kept: KeptPlace | null,
  styles: StyleTests | null,
  runtime: Runtime,
): Kept | null {
  if (kept === null) return null;
  const circumstances = { cfgLayout, runtime: { ...runtime, version: runtimeVersion(), processor: cpus()[0]?.model } };
  const keys = new Map(
    evaluators.map(({ network }, place) => {
      const style = styles?.[place];
      const key = kept.evaluators[place] ?? "";
      return [network, style ? `${key} ${JSON.stringify(style.read)}` : key]; // what counts depends on how well it is read
    }),
  );
  return { pieces: new Pieces(kept, circumstances), keyOf: (evaluator) => keys.get(evaluator)! };
}
