const SHARD = /^(.*\/)?([^/.]+)(?:\.(\w+))?-\d+-of-\d+(?:\.(\w+))?\.safetensors$/;

/** Files that may lie beside those of a model and say how they belong together: the index of its pipeline, and those of its shards. */
export function besideWeights(paths: readonly string[]): string[] {
  const indexes = paths.flatMap((path) => {
    const [, folder = "", stem, before, after] = SHARD.exec(path) ?? [];
    const variant = before ?? after;
    if (stem === undefined) return [];
    return variant === undefined
      ? [`${folder}${stem}.safetensors.index.json`]
      : [`${folder}${stem}.safetensors.index.${variant}.json`, `${folder}${stem}.${variant}.safetensors.index.json`];
  });
  return [...new Set(["model_index.json", ...indexes])];
}
