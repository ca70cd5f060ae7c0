import { env } from "#lib/env.ts";
import { type Described, toOpenApi } from "./openapi.ts";
import { operations } from "./operations/all.ts";

let document: Described | undefined; // a tenth of a second of work, and always the same

/** The document of this hub. */
export const thisOpenApi = (): Described => (document ??= toOpenApi(operations, env().publicUrl));
