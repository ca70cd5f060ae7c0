import { type ComfyNode, readComfyGraph } from "./comfy-graph.ts";
import { ComfyWalk } from "./comfy-walk.ts";
import type { ForeignLora, ForeignRecipe, NamedHash } from "./foreign-recipe.ts";
import { matchComfySampler } from "./samplers.ts";
import { parseSeed } from "./seed.ts";

/**
 * Reads the graph in a picture of ComfyUI: its sampler, and from there upstream the model with its LoRAs, both prompts,
 * the size and the seed. Null where the texts hold no graph with a sampler that is known here.
 */
export function parseComfy(prompt: string | undefined, workflow: string | undefined): ForeignRecipe | null {
  const graph = readComfyGraph(prompt, workflow);
  const walk = graph && new ComfyWalk(graph);
  const found = walk && findSampler(walk);
  if (!walk || !found) return null;
  const { sampler, notes } = found;
  const unread = new Unread(notes);
  const number = (node: ComfyNode, input: string): number | null => {
    const value = walk.value(node, input);
    const read = typeof value === "number" ? value : value === null ? NaN : Number(value);
    if (Number.isFinite(read)) return read;
    unread.value(node, input);
    return null;
  };

  const model = readModel(walk, sampler, number, unread);
  const positive = readText(walk, sampler, "positive", unread);
  const negative = readText(walk, sampler, "negative", unread);
  const clip = readClip(walk, positive.node, number);
  const latents = readLatents(walk, sampler, number, unread);
  const isAdvanced = sampler.type === "KSamplerAdvanced";
  const [samplerName, scheduler] = [walk.value(sampler, "sampler_name"), walk.value(sampler, "scheduler")];
  if (samplerName === null) unread.value(sampler, "sampler_name");
  const match = samplerName === null ? null : matchComfySampler(String(samplerName), String(scheduler ?? "normal"));
  const seedText = walk.value(sampler, isAdvanced ? "noise_seed" : "seed");
  const seed = seedText === null ? null : parseSeed(String(seedText));
  if (seed === null) unread.value(sampler, isAdvanced ? "noise_seed" : "seed");
  const denoise = isAdvanced ? null : number(sampler, "denoise");
  if (isAdvanced) advancedNotes(walk, sampler, unread);
  if (match?.note) unread.say(match.note);
  const isAncestral = match?.name === "euler-a" || match?.name === "lcm";
  if (isAncestral) unread.say("The noise of its steps was drawn on a graphics card there, so the picture will differ.");
  if (hasWeights(positive.text) || hasWeights(negative.text))
    unread.say("Its emphasis follows ComfyUI's rule, which weighs between a prompt and none; here it follows another.");
  if (denoise !== null && denoise < 1 && !latents.isPicture)
    unread.say(`It was drawn from noise at strength ${denoise}, which is not done here.`);
  if (latents.isPicture)
    unread.say(
      `It began with another picture${denoise === null ? "" : ` at strength ${denoise}`}; give that picture to draw it again.`,
    );
  if (latents.batch !== null && latents.batch > 1)
    unread.say(
      `It is one of a batch of ${latents.batch} that one seed drew as one stream; the first of them alone is drawn by the seed.`,
    );

  return {
    tool: "ComfyUI",
    prompt: positive.text ?? "",
    negativePrompt: negative.text?.trim() ? negative.text : null,
    promptSyntax: hasWeights(positive.text) || hasWeights(negative.text) ? "a1111" : "plain",
    seed,
    isCpuNoise: true,
    steps: number(sampler, "steps"),
    guidanceScale: number(sampler, "cfg"),
    sampler: match,
    width: latents.width,
    height: latents.height,
    clipSkip: clip.skip,
    denoisingStrength: latents.isPicture ? denoise : null,
    batch:
      latents.batch !== null && latents.batch > 1 ? { size: latents.batch, position: null, isOneStream: true } : null,
    model: model.checkpoint,
    vae: readVae(walk, sampler),
    loras: model.loras,
    embeddings: embeddingsIn(`${positive.text ?? ""} ${negative.text ?? ""}`),
    guide: null,
    mode: null,
    guideStrength: null,
    cfgSteps: null,
    version: null,
    notes: unread.notes,
  };
}

type ReadNumber = (node: ComfyNode, input: string) => number | null;

/** Gathers what could not be read, each sentence once and not without end. */
class Unread {
  readonly #notes = new Set<string>();

  constructor(notes: readonly string[]) {
    for (const note of notes) this.say(note);
  }

  say(note: string): void {
    if (this.#notes.size < 24) this.#notes.add(note);
  }

  node({ type }: ComfyNode): void {
    this.say(`What its node “${type.slice(0, 60)}” does was not read.`);
  }

  value({ type }: ComfyNode, input: string): void {
    this.say(`Its ${input.slice(0, 40).replaceAll("_", " ")} could not be read from the node “${type.slice(0, 60)}”.`);
  }

  get notes(): string[] {
    return [...this.#notes];
  }
}

const samplers = new Set(["KSampler", "KSamplerAdvanced"]);
const isOutput = ({ type }: ComfyNode): boolean => /^(SaveImage|PreviewImage)|Save/.test(type);

/** The sampler that the saved picture comes from; of several in a row the first, which begins with noise. */
function findSampler(walk: ComfyWalk): { sampler: ComfyNode; notes: string[] } | null {
  const outputs = walk.nodes.filter(isOutput);
  const reached = walk.upstream(outputs).filter(({ type }) => samplers.has(type));
  const [nearest] = reached.length > 0 ? reached : walk.nodes.filter(({ type }) => samplers.has(type));
  if (!nearest) return null;
  const passes = [...walk.chain(nearest, latentInputs)].filter(({ type }) => samplers.has(type));
  const sampler = passes.at(-1)!;
  const notes = [
    ...(passes.length > 1 ? [`It was drawn over in ${passes.length} passes; what is read is the first.`] : []),
    ...(reached.length > passes.length ? ["Its graph draws several pictures; what is read is one of them."] : []),
  ];
  return { sampler, notes };
}

const latentInputs = ["latent_image", "samples", "latent", "pixels", "image"];

function readModel(walk: ComfyWalk, sampler: ComfyNode, number: ReadNumber, unread: Unread) {
  const loras: ForeignLora[] = [];
  let checkpoint: NamedHash | null = null;
  for (const node of walk.chain(walk.source(sampler, "model"), ["model"])) {
    const name = walk.value(node, "ckpt_name") ?? walk.value(node, "unet_name");
    const lora = walk.value(node, "lora_name");
    if (lora !== null) {
      const unetStrength = number(node, "strength_model");
      const textEncoderStrength = node.type === "LoraLoaderModelOnly" ? 0 : number(node, "strength_clip");
      loras.unshift({ name: withoutEnding(String(lora)), hash: null, textEncoderStrength, unetStrength });
    } else if (name !== null) checkpoint = { name: withoutEnding(String(name)), hash: null };
    else unread.node(node);
  }
  if (!checkpoint) unread.say("Which model it was drawn with could not be read.");
  return { checkpoint, loras };
}

/** The words of one prompt, and the node that holds them. */
function readText(
  walk: ComfyWalk,
  sampler: ComfyNode,
  side: "positive" | "negative",
  unread: Unread,
): { text: string | null; node: ComfyNode | null } {
  const ways = [side, "conditioning", "conditioning_1", "conditioning_to"];
  for (const node of walk.chain(walk.source(sampler, side), ways)) {
    const text = walk.value(node, "text") ?? walk.value(node, "text_g") ?? walk.value(node, "prompt");
    if (text !== null) return { text: String(text), node };
    if (node.type === "ConditioningZeroOut") return { text: "", node };
    if (!Object.hasOwn(node.inputs, "text")) unread.node(node);
  }
  unread.say(`Its ${side} prompt could not be read.`);
  return { text: null, node: null };
}

function readClip(walk: ComfyWalk, textNode: ComfyNode | null, number: ReadNumber): { skip: number | null } {
  for (const node of walk.chain(textNode && walk.source(textNode, "clip"), ["clip"])) {
    if (node.type !== "CLIPSetLastLayer") continue;
    const layer = number(node, "stop_at_clip_layer");
    return { skip: layer === null ? null : Math.abs(layer) };
  }
  return { skip: null };
}

function readLatents(walk: ComfyWalk, sampler: ComfyNode, number: ReadNumber, unread: Unread) {
  for (const node of walk.chain(walk.source(sampler, "latent_image"), latentInputs)) {
    if (/^Empty.*Latent/.test(node.type)) {
      const [width, height] = [number(node, "width"), number(node, "height")];
      return { width, height, batch: number(node, "batch_size"), isPicture: false };
    }
    if (/^VAEEncode|^LoadImage/.test(node.type)) return { width: null, height: null, batch: null, isPicture: true };
    unread.node(node);
  }
  unread.say("Its size could not be read.");
  return { width: null, height: null, batch: null, isPicture: false };
}

const MAX_DECODERS = 16; // each is followed through the whole graph

function readVae(walk: ComfyWalk, sampler: ComfyNode): NamedHash | null {
  const decoders = walk.nodes.filter(({ type }) => type.startsWith("VAEDecode")).slice(0, MAX_DECODERS);
  const decoder = decoders.find((node) => walk.upstream([node]).includes(sampler));
  const loader = decoder && walk.source(decoder, "vae");
  const name = loader && walk.value(loader, "vae_name");
  return name ? { name: withoutEnding(String(name)), hash: null } : null;
}

function advancedNotes(walk: ComfyWalk, sampler: ComfyNode, unread: Unread): void {
  const [begin, end, steps] = [
    walk.value(sampler, "start_at_step"),
    walk.value(sampler, "end_at_step"),
    walk.value(sampler, "steps"),
  ];
  if (Number(begin) > 0 || Number(end) < Number(steps))
    unread.say(`It was drawn from step ${begin} to step ${end} of ${steps} only, which is not done here.`);
  if (walk.value(sampler, "add_noise") === "disable")
    unread.say("No noise was added at its beginning, which is not done here.");
}

/** “embedding:name” in a prompt of ComfyUI is a learned word. */
function embeddingsIn(text: string): NamedHash[] {
  const names = new Set<string>();
  for (let at = text.indexOf("embedding:"); at !== -1; at = text.indexOf("embedding:", at + 10)) {
    const [name = ""] = /^[^\s,:()]{0,255}/.exec(text.slice(at + 10, at + 266)) ?? [];
    if (name !== "") names.add(withoutEnding(name));
  }
  return [...names].map((name) => ({ name, hash: null }));
}

const hasWeights = (text: string | null): boolean => text !== null && /[()]/.test(text);

const withoutEnding = (name: string): string => name.slice(0, 255).replace(/\.(?:safetensors|ckpt|pt|sft|bin)$/i, "");
