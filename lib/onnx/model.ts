import { relative, sep } from "node:path";
import { type Attribute, type ElementType, type Graph, type Initializer, type Node, type Shape } from "./graph.ts";
import { MessageWriter } from "./wire.ts";

// onnx/onnx.proto3: the numbers of TensorProto.DataType and AttributeProto.AttributeType that we use.
const dataType: Record<ElementType, number> = {
  float32: 1,
  int32: 6,
  int64: 7,
  float16: 10,
  float64: 11,
  bfloat16: 16,
};
const attributeType = { float: 1, int: 2, string: 3, ints: 7 };

// Opset 17 has every plain operator that the runtime's CPU kernels are fast at; 25 and later lack some of them.
const OPSET = 17;
const IR_VERSION = 8; // the version that came with opset 17

/**
 * The graph as the bytes of an ONNX model. Weights stay where they are: each initializer points at its bytes by a path
 * relative to `root`, an absolute directory that holds all the graph's files.
 */
export function toOnnx(graph: Graph, root: string): Uint8Array {
  const body = new MessageWriter();
  for (const node of graph.nodes) body.message(1, nodeMessage(node));
  body.string(2, graph.name);
  for (const initializer of graph.initializers) body.message(5, initializerMessage(initializer, root));
  for (const { name, shape, type } of graph.inputs) body.message(11, valueInfo(name, shape, type));
  for (const { name, value } of graph.outputs) {
    // An output keeps its public name; Identity gives it that name and is removed when the model is loaded.
    body.message(1, new MessageWriter().string(1, value.name).string(2, name).string(4, "Identity"));
    body.message(12, valueInfo(name, value.shape, value.type));
  }
  const opset = (domain: string, version: number): MessageWriter =>
    new MessageWriter().string(1, domain).int(2, version);
  return new MessageWriter()
    .int(1, IR_VERSION)
    .string(2, "guidepost")
    .message(7, body)
    .message(8, opset("", OPSET))
    .message(8, opset("com.microsoft", 1))
    .finish();
}

function nodeMessage(node: Node): MessageWriter {
  const message = new MessageWriter();
  for (const input of node.inputs) message.string(1, input?.name ?? "");
  for (const output of node.outputs) message.string(2, output.name);
  message.string(4, node.op);
  for (const [name, value] of Object.entries(node.attributes)) message.message(5, attributeMessage(name, value));
  return message.string(7, node.domain);
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
  const { name, shape, type } = initializer.value;
  const message = new MessageWriter();
  for (const dim of shape) message.int(1, Number(dim));
  message.int(2, dataType[type]).string(8, name);
  if ("data" in initializer) {
    const { buffer, byteOffset, byteLength } = initializer.data;
    return message.bytes(9, new Uint8Array(buffer, byteOffset, byteLength));
  }
  const { path, begin, end } = initializer.external;
  const entry = (key: string, value: string): MessageWriter => new MessageWriter().string(1, key).string(2, value);
  return message
    .message(13, entry("location", relative(root, path).split(sep).join("/")))
    .message(13, entry("offset", String(begin)))
    .message(13, entry("length", String(end - begin)))
    .int(14, 1); // EXTERNAL
}

function valueInfo(name: string, shape: Shape, type: ElementType): MessageWriter {
  const dims = new MessageWriter();
  for (const dim of shape)
    dims.message(1, dim === "batch" ? new MessageWriter().string(2, dim) : new MessageWriter().int(1, dim));
  const tensorType = new MessageWriter().int(1, dataType[type]).message(2, dims);
  return new MessageWriter().string(1, name).message(2, new MessageWriter().message(1, tensorType));
}
