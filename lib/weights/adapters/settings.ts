import { z } from "zod";
import { AppError } from "#lib/errors.ts";
import { type AdaptedNetwork, adaptedNetworks } from "./names.ts";
import { type ModulePattern, modulePattern } from "./module-pattern.ts";

/** What a PEFT configuration says of the layers of one network. */
export interface NetworkSettings {
  /** Where no pattern fits. */
  readonly alpha: number;
  /** The first that fits a module's path holds. */
  readonly alphaPatterns: readonly (readonly [pattern: ModulePattern, alpha: number])[];
  /** alpha/√r in place of alpha/r (Kalajdzievski 2023, arXiv 2312.03732). */
  readonly rankStabilised: boolean;
  readonly usesDora: boolean;
}

/** By network; null where nothing is said of one, and its layers are scaled by their alpha tensors or by 1. */
export type AdapterSettings = Readonly<Record<AdaptedNetwork, NetworkSettings | null>>;

/**
 * The factor of a layer's up·down. An alpha of its own comes before the configuration's. Where neither is there it is
 * 1: kohya's scripts, A1111 and diffusers all do that, and none reads `ss_network_alpha`.
 *
 * @param path  our module path
 */
export function scaleOf(settings: NetworkSettings | null, path: string, rank: number, ownAlpha: number | null): number {
  if (ownAlpha !== null) return ownAlpha / rank;
  if (!settings) return 1;
  // transformers 4 has text encoders under `text_model.`, transformers 5 has not, and files of both are in use.
  const paths = [path, `text_model.${path}`];
  const found = settings.alphaPatterns.find(([pattern]) => paths.some((one) => pattern.test(one)));
  return (found?.[1] ?? settings.alpha) / (settings.rankStabilised ? Math.sqrt(rank) : rank);
}

const settingsJson = z.looseObject({
  peft_type: z.string().default("LORA"),
  lora_alpha: z.number().default(8), // peft's own default
  alpha_pattern: z.record(z.string(), z.number()).nullish(),
  use_rslora: z.boolean().nullish(),
  use_dora: z.boolean().nullish(),
  fan_in_fan_out: z.boolean().nullish(),
  init_lora_weights: z.union([z.boolean(), z.string()]).nullish(),
});

const nothing: AdapterSettings = { unet: null, textEncoder: null, textEncoder2: null };
const prefixes: Readonly<Record<AdaptedNetwork, string>> = {
  unet: "unet.",
  textEncoder: "text_encoder.",
  textEncoder2: "text_encoder_2.",
};

/**
 * The settings in a header: diffusers writes them as `lora_adapter_metadata`, one JSON object whose keys begin with a
 * network's name; without a name, in the file of one network, they hold for all its layers.
 */
export function headerSettings(metadata: ReadonlyMap<string, string>, file: string): AdapterSettings {
  const text = metadata.get("lora_adapter_metadata");
  if (text === undefined) return nothing;
  const shown = `the "lora_adapter_metadata" of ${file}`;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return refuse(shown, "is not JSON");
  }
  const all = z.record(z.string(), z.unknown()).safeParse(json).data;
  if (!all) return refuse(shown, "is not an object");
  const everywhere = "lora_alpha" in all ? networkSettings(all, shown) : null;
  const own = (network: AdaptedNetwork): NetworkSettings | null => {
    const prefix = prefixes[network];
    const keys = Object.entries(all).filter(([key]) => key.startsWith(prefix));
    if (keys.length === 0) return everywhere;
    return networkSettings(Object.fromEntries(keys.map(([key, value]) => [key.slice(prefix.length), value])), shown);
  };
  return perNetwork(own);
}

/** The settings in an `adapter_config.json`, which PEFT keeps beside the weights of one network. */
export function configSettings(json: unknown, shown: string): AdapterSettings {
  const all = z.record(z.string(), z.unknown()).safeParse(json).data ?? refuse(shown, "is not an object");
  const settings = networkSettings(all, shown);
  return perNetwork(() => settings);
}

const perNetwork = (of: (network: AdaptedNetwork) => NetworkSettings | null): AdapterSettings => {
  const [unet, textEncoder, textEncoder2] = adaptedNetworks.map(of) as [
    NetworkSettings | null,
    NetworkSettings | null,
    NetworkSettings | null,
  ];
  return { unet, textEncoder, textEncoder2 };
};

function networkSettings(json: Readonly<Record<string, unknown>>, shown: string): NetworkSettings {
  const parsed = settingsJson.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return refuse(shown, `has a "${issue!.path.join(".")}" that is not read here (${issue!.message})`);
  }
  const { data } = parsed;
  if (data.peft_type !== "LORA") return refuse(shown, `is of the kind ${data.peft_type}, and only LORA runs here`);
  if (data.fan_in_fan_out) return refuse(shown, "has weights with inputs first (fan_in_fan_out)");
  const start = data.init_lora_weights;
  if (typeof start === "string" && /^(pissa|olora|corda|lora_ga)/i.test(start))
    return refuse(shown, `changes the base itself before its layers are added (init_lora_weights "${start}")`);
  const alphaPatterns = Object.entries(data.alpha_pattern ?? {}).map(([key, alpha]) => {
    const pattern = modulePattern(key) ?? refuse(shown, `has an alpha_pattern ${JSON.stringify(key)} that is not read`);
    return [pattern, alpha] as const;
  });
  return {
    alpha: data.lora_alpha,
    alphaPatterns,
    rankStabilised: data.use_rslora === true,
    usesDora: data.use_dora === true,
  };
}

function refuse(shown: string, what: string): never {
  throw new AppError(
    "unsupported_model",
    `${shown[0]!.toUpperCase()}${shown.slice(1)} ${what}; save the adapter again with alphas of its own, as kohya's scripts do.`,
  );
}
