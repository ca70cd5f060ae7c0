import type { Conditioning } from "#lib/diffusion/conditioning.ts";
import type { GuideConfig } from "#lib/diffusion/guide-config.ts";
import type { Schedule } from "#lib/diffusion/schedule.ts";
import type { UNetParts } from "#lib/diffusion/unet-networks.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import type { Recipe } from "./recipe.ts";

/** On what a guide is tried while it is made. */
export interface HeldOutPlace {
  readonly recipe: Recipe;
  readonly config: GuideConfig;
  readonly parts: UNetParts;
  readonly schedule: Schedule;
  readonly runtime: Runtime;
  /** A row for each prompt, none of which is trained on; and one of the empty prompt. */
  readonly prompted: Conditioning;
  readonly empty: Conditioning;
  /** Where a guide is written to be read, and what the base does by itself is kept. */
  readonly folder: string;
}
