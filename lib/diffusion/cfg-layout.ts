/** How CFG's two predictions are computed. */
export const cfgLayouts = ["one batch of two", "two passes"] as const;
export type CfgLayout = (typeof cfgLayouts)[number];

// One batch of two spares a small network the cost of starting each layer twice: two passes take 1.18 [1.16, 1.20] of its
// time on the starter. On a UNet of SD 1.5's size they take 1.01 [1.00, 1.05] of it, and half the memory. `npm run bench -- guide`
const ONE_BATCH_PARAMETERS = 20e6;
export const cfgLayoutFor = (parameters: number): CfgLayout =>
  parameters < ONE_BATCH_PARAMETERS ? "one batch of two" : "two passes";
