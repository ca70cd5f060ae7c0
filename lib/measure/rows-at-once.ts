/** How many pictures are drawn side by side where a model is measured: a small network is fastest so; a large one gains nothing and would not fit. */
export const rowsAtOnce = (parameters: number): number => (parameters < 100e6 ? 16 : 1);
