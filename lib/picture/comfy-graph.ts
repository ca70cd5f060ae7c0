import { z } from "zod";
import { parseLossless } from "./lossless-json.ts";

/** A node of a ComfyUI graph: its inputs are values, or links to another node's output. */
export interface ComfyNode {
  readonly id: string;
  readonly type: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

export type ComfyGraph = ReadonlyMap<string, ComfyNode>;

/**
 * The graph that a picture of ComfyUI was drawn by: of its text `prompt`, which is what ran, else of `workflow`, which
 * is how it stood on the screen and names fewer things. Null where neither holds one.
 */
export function readComfyGraph(prompt: string | undefined, workflow: string | undefined): ComfyGraph | null {
  const ran = prompt === undefined ? null : ofPrompt(parseLossless(prompt));
  return ran ?? (workflow === undefined ? null : ofWorkflow(parseLossless(workflow)));
}

const MAX_NODES = 5000;

const promptNode = z.object({ class_type: z.string().max(256), inputs: z.record(z.string(), z.unknown()) });

function ofPrompt(json: unknown): ComfyGraph | null {
  const whole = z.record(z.string().max(64), z.unknown()).safeParse(json);
  if (!whole.success) return null;
  const nodes = Object.entries(whole.data)
    .slice(0, MAX_NODES)
    .flatMap(([id, value]): [string, ComfyNode][] => {
      const { data } = promptNode.safeParse(value);
      return data ? [[id, { id, type: data.class_type, inputs: data.inputs }]] : [];
    });
  return nodes.length > 0 ? new Map(nodes) : null;
}

const id = z.union([z.number(), z.string().max(64)]);
const workflowJson = z.object({
  nodes: z.array(z.unknown()),
  links: z.array(z.unknown()).default([]),
});
const workflowNode = z.object({
  id,
  type: z.string().max(256),
  /** 2 and 4: switched off. */
  mode: z.number().default(0),
  inputs: z.array(z.object({ name: z.string().max(256), link: z.number().nullish() })).nullish(),
  widgets_values: z.union([z.array(z.unknown()), z.record(z.string(), z.unknown())]).nullish(),
});
const workflowLink = z.tuple([z.number(), id, z.number()]).rest(z.unknown());

/** A workflow names its links and lists what was typed without names: those of the nodes that matter are known here. */
function ofWorkflow(json: unknown): ComfyGraph | null {
  const { data } = workflowJson.safeParse(json);
  if (!data) return null;
  const links = new Map(
    data.links.slice(0, 4 * MAX_NODES).flatMap((value) => {
      const link = workflowLink.safeParse(value).data;
      return link ? [[link[0], [String(link[1]), link[2]]] as const] : [];
    }),
  );
  const nodes = data.nodes.slice(0, MAX_NODES).flatMap((value): [string, ComfyNode][] => {
    const node = workflowNode.safeParse(value).data;
    if (!node || node.mode === 2 || node.mode === 4) return [];
    const linked = (node.inputs ?? []).flatMap(({ name, link }) => {
      const from = link === null || link === undefined ? undefined : links.get(link);
      return from ? [[name, from] as const] : [];
    });
    const inputs = { ...widgetsOf(node.type, node.widgets_values ?? []), ...Object.fromEntries(linked) };
    return [[String(node.id), { id: String(node.id), type: node.type, inputs }]];
  });
  return nodes.length > 0 ? new Map(nodes) : null;
}

/** What is typed into a node, in the order of its fields; `null` stands for one that says nothing about the picture. */
const widgetNames: Readonly<Record<string, readonly (string | null)[]>> = {
  KSampler: ["seed", null, "steps", "cfg", "sampler_name", "scheduler", "denoise"],
  KSamplerAdvanced: [
    "add_noise",
    "noise_seed",
    null,
    "steps",
    "cfg",
    "sampler_name",
    "scheduler",
    "start_at_step",
    "end_at_step",
    "return_with_leftover_noise",
  ],
  CheckpointLoaderSimple: ["ckpt_name"],
  UNETLoader: ["unet_name"],
  VAELoader: ["vae_name"],
  LoraLoader: ["lora_name", "strength_model", "strength_clip"],
  LoraLoaderModelOnly: ["lora_name", "strength_model"],
  CLIPTextEncode: ["text"],
  CLIPSetLastLayer: ["stop_at_clip_layer"],
  EmptyLatentImage: ["width", "height", "batch_size"],
  EmptySD3LatentImage: ["width", "height", "batch_size"],
  PrimitiveNode: ["value"],
};

function widgetsOf(
  type: string,
  values: readonly unknown[] | Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  if (!Array.isArray(values)) return { ...values };
  const names = Object.hasOwn(widgetNames, type) ? widgetNames[type]! : [];
  return Object.fromEntries(
    names.flatMap((name, i) => (name === null || i >= values.length ? [] : [[name, values[i]]])),
  );
}
