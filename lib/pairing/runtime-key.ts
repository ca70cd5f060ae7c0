const shortNames = { float32: "f32", float16: "f16" } as const;

/** What a measurement ran on, as pairs are filed by it: “cpu-f32”, “cuda-f16”. Another provider or precision gives other numbers. */
export const runtimeKey = (runtime: {
  readonly provider: "cpu" | "cuda" | "webgpu";
  readonly precision: keyof typeof shortNames;
}): string => `${runtime.provider}-${shortNames[runtime.precision]}`;
