/** A second graph of less than this costs next to nothing to keep. */
const LARGE_BYTES = 2 ** 28;

/** Whether both forms of a UNet stay open, the one with inputs for residuals beside the one without. @param bytes  of its files */
export const keepsBothForms = (bytes: number): boolean => bytes <= LARGE_BYTES;
