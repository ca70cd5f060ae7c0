import { z } from "zod";

export const estimate = z
  .object({ value: z.number(), low: z.number(), high: z.number(), n: z.number() })
  .meta({ description: "a measured number, its 95% interval, and how many prompts it rests on" });
