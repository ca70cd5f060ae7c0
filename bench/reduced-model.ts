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
  for (const { op, inputs, outputs, domain = "", attributes = {} } of [...nodes, ...tail]) {
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
    graph.message(1, message.string(7, domain));
  }
  const rows: Constant = { name: "rows", type: "int64", shape: [2], data: BigInt64Array.of(-1n, BigInt(columns)) };
  graph.string(2, "kernel");
  for (const { name, type, shape, data } of [...constants, rows]) {
    const message = new MessageWriter();
    for (const dim of shape) message.int(1, dim);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    graph.message(5, message.int(2, types[type]).string(8, name).bytes(9, bytes));
  }
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
