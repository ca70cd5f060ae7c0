/** What a text of «generation parameters» says, where it says it. Hashes as they are written: their length tells which they are. */
export interface Infotext {
  readonly prompt: string;
  readonly negativePrompt: string | null;
  readonly seed: number | null;
  readonly steps: number | null;
  readonly guidanceScale: number | null;
  readonly cfgSteps: number | null;
  readonly sampler: string | null;
  readonly mode: string | null;
  readonly model: NamedHash | null;
  readonly guide: NamedHash | null;
  readonly loras: readonly NamedHash[];
  /** Whether the noise was drawn as ours is: theirs comes from the GPU where nothing is said. */
  readonly isCpuNoise: boolean;
}

interface NamedHash {
  readonly name: string | null;
  readonly hash: string | null;
}

/** As AUTOMATIC1111's web UI reads what `toInfotext`, it and other tools write. Null where the last line holds no steps: it is some other text. */
export function parseInfotext(text: string): Infotext | null {
  const lines = text.slice(0, 100_000).trim().split("\n");
  const values = new Map(
    [...lines.at(-1)!.matchAll(/\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])*"|[^,]*)(?:,|$)/g)].map(([, name, value]) => [
      name!.toLowerCase(),
      unquote(value!.trim()),
    ]),
  );
  if (!values.has("steps")) return null;
  const begin = lines.findIndex((line) => line.startsWith("Negative prompt:"));
  const prompt = lines
    .slice(0, begin === -1 ? -1 : begin)
    .join("\n")
    .trim();
  const negative = begin === -1 ? "" : lines.slice(begin, -1).join("\n").slice("Negative prompt:".length).trim();
  const number = (name: string): number | null =>
    Number.isFinite(Number.parseFloat(values.get(name) ?? "")) ? Number.parseFloat(values.get(name)!) : null;
  const named = (name: string, hash: string): NamedHash | null =>
    values.has(name) || values.has(hash) ? { name: values.get(name) ?? null, hash: toHash(values.get(hash)) } : null;
  return {
    prompt,
    negativePrompt: negative === "" ? null : negative,
    seed: number("seed"),
    steps: number("steps"),
    guidanceScale: number("cfg scale"),
    cfgSteps: number("cfg steps"),
    sampler: values.get("sampler") ?? null,
    mode: values.get("guidance mode") ?? null,
    model: named("model", "model hash"),
    guide: named("guide", "guide hash"),
    loras: (values.get("lora hashes") ?? "").split(",").flatMap((one) => {
      const [name, hash] = one.split(":").map((part) => part.trim());
      return name ? [{ name, hash: toHash(hash) }] : [];
    }),
    isCpuNoise: values.get("rng") === "CPU",
  };
}

const toHash = (value: string | undefined): string | null =>
  /^[0-9a-f]{8,64}$/i.test(value ?? "") ? value!.toLowerCase() : null;

function unquote(value: string): string {
  if (!value.startsWith('"')) return value;
  try {
    return String(JSON.parse(value));
  } catch {
    return value;
  }
}
