import { relative, sep } from "node:path";
import { f32ToBf16, f32ToF16 } from "#lib/tensor/half.ts";
import type { Graph, Initializer, Node, Value } from "./graph.ts";
import type { ElementType, Shape } from "./shape.ts";
import { type Attribute, dataTypes, type ListInput, lower } from "./lowering.ts";
import { readValues } from "./needed.ts";
import { MessageWriter } from "./wire.ts";

const attributeType = { float: 1, int: 2, string: 3, ints: 7 }; // onnx.proto3: AttributeProto.AttributeType

// Opset 17 has every plain operator that the runtime's CPU kernels are fast at; 25 and later lack some of them.
// 19 is the first that knows numbers of eight bits.
const OPSET = { usual: 17, eightBits: 19 };
const IR_VERSION = { usual: 8, eightBits: 9 }; // the versions that came with those opsets

/**
 * The graph as the bytes of an ONNX model. Weights stay where they are: each initializer points at its bytes by a path
 * relative to `root`, an absolute directory that holds all the graph's files.
 */
export function toOnnx(graph: Graph, root: string): Uint8Array {
  const body = new MessageWriter();
  const lists = new Lists();
  const read = readValues(graph);
  const isRead = (value: Value): boolean => read.has(value);
  for (const node of graph.nodes) {
    if (!node.outputs.some(isRead)) continue;
    const lowered = lower(node, isRead);
    const inputs = [...node.inputs.map(({ name }) => name), ...lowered.lists.map((list) => lists.nameOf(list))];
    const message = new MessageWriter();
    for (const input of inputs) message.string(1, input);
    for (const output of writtenOutputs(node, isRead)) message.string(2, output);
    message.string(4, lowered.name);
    for (const [name, value] of Object.entries(lowered.attributes)) message.message(5, attributeMessage(name, value));
    body.message(1, message.string(7, lowered.domain));
  }
  body.string(2, graph.name);
  for (const initializer of graph.initializers)
    if (isRead(initializer.value)) body.message(5, initializerMessage(initializer, root));
  for (const { name, list } of lists.all) body.message(5, listMessage(name, list));
  for (const { name, shape, type } of graph.inputs) body.message(11, valueInfo(name, shape, type));
  for (const { name, value } of graph.outputs) {
    // An output keeps its public name; Identity gives it that name and is removed when the model is loaded.
    body.message(1, new MessageWriter().string(1, value.name).string(2, name).string(4, "Identity"));
    body.message(12, valueInfo(name, value.shape, value.type));
  }
  const eightBits = graph.initializers.some(({ value }) => value.type.startsWith("float8"));
  const form = eightBits ? "eightBits" : "usual";
  const opset = (domain: string, version: number): MessageWriter =>
    new MessageWriter().string(1, domain).int(2, version);
  return new MessageWriter()
    .int(1, IR_VERSION[form])
    .string(2, "guidepost")
    .message(7, body)
    .message(8, opset("", OPSET[form]))
    .message(8, opset("com.microsoft", 1))
    .finish();
}

/** Statistics of a norm that nobody reads are left out; all parts of a split are written. */
const writtenOutputs = ({ op, outputs }: Node, isRead: (value: Value) => boolean): string[] => {
  const last = op.type === "Split" ? outputs.length : outputs.findLastIndex(isRead) + 1;
  return outputs.slice(0, last).map(({ name }) => name);
};

/** The lists that nodes take as inputs; equal ones are written once. */
class Lists {
  readonly #names = new Map<string, { readonly name: string; readonly list: ListInput }>();

  nameOf(list: ListInput | null): string {
    if (list === null) return ""; // an optional input left out
    const numbers = "list" in list ? list.list.join() : `${list.length} × ${list.fill}`;
    const key = `${list.type} ${numbers}`;
    const known = this.#names.get(key) ?? { name: `list_${this.#names.size}`, list };
    this.#names.set(key, known);
    return known.name;
  }

  get all() {
    return [...this.#names.values()];
  }
}

function attributeMessage(name: string, value: Attribute): MessageWriter {
  const message = new MessageWriter().string(1, name);
  if (typeof value === "number") return message.int(3, value).int(20, attributeType.int);
  if (typeof value === "string") return message.string(4, value).int(20, attributeType.string);
  if ("float" in value) return message.float(2, value.float).int(20, attributeType.float);
  for (const item of value) message.int(8, item);
  return message.int(20, attributeType.ints);
}

function initializerMessage(initializer: Initializer, root: string): MessageWriter {
  const message = tensorMessage(initializer.value);
  if ("data" in initializer) return message.bytes(9, bytesOf(toType(initializer.data, initializer.value.type)));
  if ("unknown" in initializer) throw new Error(`model: the weight "${initializer.value.name}" has no values`);
  const { path, begin, end } = initializer.external;
  const entry = (key: string, value: string): MessageWriter => new MessageWriter().string(1, key).string(2, value);
  return message
    .message(13, entry("location", relative(root, path).split(sep).join("/")))
    .message(13, entry("offset", String(begin)))
    .message(13, entry("length", String(end - begin)))
    .int(14, 1); // EXTERNAL
}

function listMessage(name: string, list: ListInput): MessageWriter {
  const { type } = list;
  if ("list" in list) return tensorMessage({ name, shape: [list.list.length], type }).bytes(9, bytesOf(list.list));
  const filled = new Float32Array(list.length).fill(list.fill);
  return tensorMessage({ name, shape: [list.length], type }).bytes(9, bytesOf(toType(filled, type)));
}

function tensorMessage({ name, shape, type }: Pick<Value, "name" | "shape" | "type">): MessageWriter {
  const message = new MessageWriter();
  for (const dim of shape) message.int(1, Number(dim));
  return message.int(2, dataTypes[type]).string(8, name);
}

/** Numbers as an initializer of that type holds them. */
function toType(data: Float32Array, type: ElementType): Float32Array | Float64Array | Uint16Array {
  switch (type) {
    case "float16":
      return f32ToF16(data);
    case "bfloat16":
      return f32ToBf16(data);
    case "float64":
      return Float64Array.from(data);
    default:
      return data;
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

function valueInfo(name: string, shape: Shape, type: ElementType): MessageWriter {
  const dims = new MessageWriter();
  for (const dim of shape)
    dims.message(1, dim === "batch" ? new MessageWriter().string(2, dim) : new MessageWriter().int(1, dim));
  const tensorType = new MessageWriter().int(1, dataTypes[type]).message(2, dims);
  return new MessageWriter().string(1, name).message(2, new MessageWriter().message(1, tensorType));
}
