import { dirname } from "node:path";
import { joinedGraph } from "#lib/diffusion/unet-graphs.ts";
import { openUNet, type UNet } from "#lib/diffusion/unet-networks.ts";
import { externalParameters } from "#lib/nn/parameters/external.ts";
import type { ExternalTensor, Graph } from "#lib/onnx/graph.ts";
import { toOnnx } from "#lib/onnx/model.ts";
import { optimizationFor } from "#lib/onnx/optimization.ts";
import { InferenceSession, Tensor } from "#lib/onnx/runtime.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import type { Estimate } from "#lib/pairing/evidence.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import { tensor } from "#lib/tensor/tensor.ts";
import { openFile } from "#lib/weights/byte-source.ts";
import { readTensor } from "#lib/weights/read-tensor.ts";
import { relative } from "./conformance/relative.ts";
import { interleave, median, ratio } from "./interleave.ts";
import { conditioningFor } from "./random-conditioning.ts";
import { initializerBytes, rewriteNodes } from "./reduced-model.ts";
import { quantiseColumns } from "./reduced.ts";
import type { Subject } from "./subject.ts";
import { estimate, milliseconds, table } from "./table.ts";

export interface ReducedStepResult {
  readonly rounds: number;
  readonly layers: number;
  readonly float32: number;
  readonly int8: number;
  readonly ratio: Estimate;
  /** ‖prediction − that of float32‖ / ‖that of float32‖ at timesteps from noise to picture. */
  readonly errors: readonly { readonly timestep: number; readonly error: number }[];
}

/** A UNet whose linear layers multiply in 8 bits (DynamicQuantizeMatMul), beside itself in float32. */
export async function benchReducedStep(
  { parts }: Subject,
  rounds: number,
  runtime: Runtime,
): Promise<ReducedStepResult> {
  const float32 = await openUNet(parts, runtime);
  const graph = joinedGraph(parts.unet.config, parts, externalParameters(parts.unet.weights));
  const root = dirname(parts.unet.files[0]!.path);
  const { bytes, layers } = await withIntegers(graph, root);
  const session = await InferenceSession.create(bytes, {
    executionProviders: ["cpu"],
    graphOptimizationLevel: optimizationFor(parts.unet.weights.bytes),
    intraOpNumThreads: runtime.threads,
    enableMemPattern: false,
    logSeverityLevel: 4,
    extra: {
      session: { model_external_initializers_file_folder_path: root, "intra_op.allow_spinning": "0" },
    },
  });
  const generator = createGenerator(0);
  const latents = generator.randn([1, parts.unet.config.inChannels, parts.height, parts.width]);
  const conditioning = conditioningFor(parts.unet.config, parts.tokens, generator);
  const int8: UNet["predict"] = async (noisy, timestep) => {
    const inputs = { latents: noisy, timestep: tensor(Float32Array.of(timestep), [1]), ...conditioning };
    const feeds = Object.entries(inputs).map(([name, { data, shape }]) => [name, new Tensor("float32", data, shape)]);
    const { prediction } = await session.run(Object.fromEntries(feeds));
    return tensor(prediction!.data as Float32Array, prediction!.dims);
  };
  const errors: { timestep: number; error: number }[] = [];
  for (const timestep of [981, 501, 21]) {
    const reference = await float32.predict(latents, timestep, conditioning, null);
    const other = await int8(latents, timestep, conditioning, null);
    errors.push({ timestep, error: relative(reference.data, other.data) });
  }
  const times = await interleave(
    {
      float32: () => float32.predict(latents, 801, conditioning, null),
      int8: () => int8(latents, 801, conditioning, null),
    },
    rounds,
  );
  await float32.close();
  await session.release();
  const ofFloat32 = ratio(times.int8, times.float32);
  return { rounds, layers, float32: median(times.float32), int8: median(times.int8), ratio: ofFloat32, errors };
}

/** The graph as a model in which every product with a weight of the file takes integers. */
async function withIntegers(graph: Graph, root: string): Promise<{ bytes: Uint8Array; layers: number }> {
  const weights = weightsOf(graph);
  const added: Uint8Array[] = [];
  const written = new Set<string>();
  for (const node of graph.nodes) {
    const weight = node.op.type === "MatMul" && node.op.transposeRight ? weights.get(node.inputs[1]!.name) : undefined;
    if (!weight || written.has(node.inputs[1]!.name)) continue;
    written.add(node.inputs[1]!.name);
    const [n, k] = weight.shape as [number, number];
    const source = await openFile(weight.path);
    const { data } = await readTensor(source, { ...weight, name: weight.name });
    await source.close();
    const columns = new Float32Array(n * k);
    for (let i = 0; i < n; i++) for (let j = 0; j < k; j++) columns[j * n + i] = data[i * k + j]!;
    const { values, scales } = quantiseColumns(columns, k, n);
    const name = node.inputs[1]!.name;
    added.push(
      initializerBytes({ name: `${name}.int8`, type: "int8", shape: [k, n], data: values }),
      initializerBytes({ name: `${name}.scales`, type: "float32", shape: [n], data: scales }),
    );
  }
  const bytes = rewriteNodes(toOnnx(graph, root), added, ({ op, inputs, outputs }) =>
    op === "FusedMatMul" && written.has(inputs[1]!)
      ? {
          op: "DynamicQuantizeMatMul",
          domain: "com.microsoft",
          inputs: [inputs[0]!, `${inputs[1]}.int8`, `${inputs[1]}.scales`],
          outputs,
        }
      : null,
  );
  return { bytes, layers: written.size };
}

/** By the names of the values that nodes read: behind the conversion that half precision needs. */
function weightsOf({ initializers, nodes }: Graph): Map<string, ExternalTensor> {
  const weights = new Map<string, ExternalTensor>();
  for (const one of initializers)
    if ("external" in one && !one.external.transposed) weights.set(one.value.name, one.external);
  for (const { op, inputs, outputs } of nodes) {
    const weight = op.type === "Cast" ? weights.get(inputs[0]!.name) : undefined;
    if (weight) weights.set(outputs[0]!.name, weight);
  }
  return weights;
}

export function showReducedStep({ rounds, layers, float32, int8, ratio: share, errors }: ReducedStepResult): string {
  const rows = [
    ["one UNet step", "ms median", "int8 / float32"],
    ["float32", milliseconds(float32), ""],
    [`${layers} linear layers in 8 bits`, milliseconds(int8), estimate(share)],
  ];
  const apart = errors.map(({ timestep, error }) => `${error.toExponential(1)} at timestep ${timestep}`).join(", ");
  return `${table(rows)}\n\nError of the prediction: ${apart}. ${rounds} rounds, interleaved.`;
}
