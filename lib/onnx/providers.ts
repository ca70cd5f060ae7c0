/** What networks run on: the processor, NVIDIA's CUDA, or any graphics card through WebGPU. */
export const providers = ["cpu", "cuda", "webgpu"] as const;
export type Provider = (typeof providers)[number];

/** `auto` is the first that works of cuda, webgpu and cpu. */
export const providerChoices = ["auto", ...providers] as const;
export type ProviderChoice = (typeof providerChoices)[number];

/** What networks compute in, whatever their weights are stored as. */
export const precisions = ["float32", "float16"] as const;
export type Precision = (typeof precisions)[number];
