/**
 * How a sheet is drawn: the same for every pair of a base, so that fine-tunes can be compared. The prompts are the first ones that the
 * pair was measured with, which are the base's own list; the settings are those of the measurement.
 */
export const sheetSet = { seeds: [1, 2, 3, 4, 5, 6, 7, 8], steps: 20, guidanceScale: 5, sampler: "ddim" } as const;

/** Of a model of more parameters than this a sheet has two columns: on a processor a picture of it takes minutes. */
export const LARGE_PARAMETERS = 100e6;
export const LARGE_COLUMNS = 2;
