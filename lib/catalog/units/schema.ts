import { z } from "zod";
import { fullName } from "#lib/catalog/repo-name.ts";
import { roles } from "./unit.ts";

/** What draws, as it is told. */
export const unitView = z.object({
  hash: z.string().meta({ description: "sha256 over the weights and strengths of all components, in their order" }),
  components: z
    .array(
      z.object({
        role: z.enum(roles),
        repo: fullName.nullable().meta({ description: "null where it is gone" }),
        commit: z.string().nullable(),
        weightsSha256: z.string().meta({ description: "over its own files" }),
        strength: z.number().meta({ description: "1 is as it was trained" }),
        textStrength: z.number().meta({ description: "in the text encoders" }),
      }),
    )
    .meta({ description: "a base, and what is applied to it, in that order" }),
});
export type UnitView = z.output<typeof unitView>;
