import { env, InferenceSession, listSupportedBackends, Tensor } from "onnxruntime-node";

/** The one door to the runtime: no other file imports it, so that the same graphs can run on another one. */
export { InferenceSession, Tensor };

export const runtimeName = "onnxruntime-node";
export const runtimeVersion = (): string => env.versions.node ?? env.versions.common;

/** The execution providers that this build of the runtime knows. One that is not bundled needs libraries beside it. */
export const knownProviders = (): readonly { readonly name: string; readonly bundled: boolean }[] =>
  listSupportedBackends();
