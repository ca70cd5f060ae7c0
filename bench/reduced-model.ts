import { MessageWriter } from "#lib/onnx/wire.ts";

/** onnx.proto3: TensorProto.DataType. Our own graphs never hold the integers of quantised operators, so they are named here. */
export const types = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, float16: 10, bfloat16: 16 } as const;
export type ElementType = keyof typeof types;

export interface Constant {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly data: ArrayBufferView;
}

export interface PlainNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly domain?: "com.microsoft";
  readonly attributes?: Readonly<Record<string, number | readonly number[]>>;
}

/** The bytes of a model from the input `x`, float32 of that shape, to one row of the value `y`, written out by hand. */
export function plainModel(
  x: readonly number[],
  columns: number,
  nodes: readonly PlainNode[],
  constants: readonly Constant[],
): Uint8Array {
  const graph = new MessageWriter();
  // Only a row leaves the graph: the binding copies what does.
  const tail: PlainNode[] = [
    { op: "Reshape", inputs: ["y", "rows"], outputs: ["flat"] },
    { op: "Gather", inputs: ["flat", "row"], outputs: ["out"], attributes: { axis: 0 } },
  ];
  for (const node of [...nodes, ...tail]) graph.message(1, nodeMessage(node));
  const rows: Constant = { name: "rows", type: "int64", shape: [2], data: BigInt64Array.of(-1n, BigInt(columns)) };
  graph.string(2, "kernel");
  for (const constant of [...constants, rows]) graph.bytes(5, initializerBytes(constant));
  graph.message(11, valueInfo("x", "float32", x)).message(11, valueInfo("row", "int64", [1]));
  graph.message(12, valueInfo("out", "float32", [1, columns]));
  const opset = (domain: string, version: number): MessageWriter =>
    new MessageWriter().string(1, domain).int(2, version);
  return new MessageWriter()
    .int(1, 9)
    .message(7, graph)
    .message(8, opset("", 19))
    .message(8, opset("com.microsoft", 1))
    .finish();
}

function valueInfo(name: string, type: ElementType, shape: readonly number[]): MessageWriter {
  const dims = new MessageWriter();
  for (const dim of shape) dims.message(1, new MessageWriter().int(1, dim));
  const tensorType = new MessageWriter().int(1, types[type]).message(2, dims);
  return new MessageWriter().string(1, name).message(2, new MessageWriter().message(1, tensorType));
}

function nodeMessage({ op, inputs, outputs, domain, attributes = {} }: PlainNode): MessageWriter {
  const message = new MessageWriter();
  for (const input of inputs) message.string(1, input);
  for (const output of outputs) message.string(2, output);
  message.string(4, op);
  for (const [name, value] of Object.entries(attributes)) {
    const attribute = new MessageWriter().string(1, name);
    if (typeof value === "number") attribute.int(3, value).int(20, 2);
    else {
      for (const item of value) attribute.int(8, item);
      attribute.int(20, 7);
    }
    message.message(5, attribute);
  }
  return message.string(7, domain ?? "");
}

export function initializerBytes({ name, type, shape, data }: Constant): Uint8Array {
  const message = new MessageWriter();
  for (const dim of shape) message.int(1, dim);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return message.int(2, types[type]).string(8, name).bytes(9, bytes).finish();
}

/** A model of ours with some nodes replaced, and initializers added. */
export function rewriteNodes(
  model: Uint8Array,
  added: readonly Uint8Array[],
  replace: (node: PlainNode) => PlainNode | null,
): Uint8Array {
  const rewritten = new MessageWriter();
  for (const field of fieldsOf(model)) {
    if (field.number !== GRAPH) copy(rewritten, field);
    else {
      const graph = new MessageWriter();
      for (const inner of fieldsOf(field.bytes)) {
        const other = inner.number === NODE ? replace(nodeOf(inner.bytes)) : null;
        if (other) graph.message(NODE, nodeMessage(other));
        else copy(graph, inner);
      }
      for (const bytes of added) graph.bytes(INITIALIZER, bytes);
      rewritten.message(GRAPH, graph);
    }
  }
  return rewritten.finish();
}

const [NODE, INITIALIZER, GRAPH] = [1, 5, 7]; // onnx.proto3

interface Field {
  readonly number: number;
  /** Null where the value is bytes. */
  readonly varint: bigint | null;
  readonly bytes: Uint8Array;
}

/** Of what `toOnnx` writes on these levels: varints and bytes, nothing else. */
function* fieldsOf(message: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = (): bigint => {
    let [value, shift] = [0n, 0n];
    for (;;) {
      const byte = message[at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
      shift += 7n;
    }
  };
  while (at < message.length) {
    const tag = Number(varint());
    const value = varint();
    const isBytes = (tag & 7) === 2;
    const bytes = message.subarray(at, isBytes ? (at += Number(value)) : at);
    yield { number: tag >> 3, varint: isBytes ? null : value, bytes };
  }
}

function nodeOf(bytes: Uint8Array): PlainNode {
  const texts = (number: number): string[] =>
    [...fieldsOf(bytes)]
      .filter((field) => field.number === number)
      .map((field) => new TextDecoder().decode(field.bytes));
  return { op: texts(4)[0]!, inputs: texts(1), outputs: texts(2) };
}

const copy = (to: MessageWriter, { number, varint, bytes }: Field): MessageWriter =>
  varint === null ? to.bytes(number, bytes) : to.int(number, varint);
