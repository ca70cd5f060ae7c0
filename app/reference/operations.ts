import type { DescribedOperation } from "#lib/http/openapi.ts";
import { thisOpenApi } from "#lib/http/this-openapi.ts";

interface Endpoint {
  /** In capitals. */
  readonly method: string;
  readonly path: string;
  readonly operation: DescribedOperation;
}

/** The endpoints of this hub, in the order of the document. */
export function* eachOperation(): Generator<Endpoint> {
  for (const [path, methods] of Object.entries(thisOpenApi().paths)) {
    for (const [method, operation] of Object.entries(methods)) yield { method: method.toUpperCase(), path, operation };
  }
}
