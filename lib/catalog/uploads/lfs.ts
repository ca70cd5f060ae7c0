const LFS_BYTES = 2 ** 20;

/** Whether a file is named by its sha256 on the wire and downloaded from the store itself: weights, and whatever is large. */
export const isLfs = (path: string, size: number): boolean => size >= LFS_BYTES || /\.safetensors$/i.test(path);
