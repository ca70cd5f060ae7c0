import { actorOf } from "#lib/auth/actor-of.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { type Door, requireAdmission } from "#lib/http/door.ts";
import { namesInAddress, type NamesOf } from "#lib/http/names-in-address.ts";
import { answerAt, requireStorable, type RouteContext } from "#lib/http/route.ts";
import { requireSameOrigin } from "#lib/http/same-origin.ts";

export interface HubCall<Template extends string> {
  readonly request: Request;
  readonly actor: Actor;
  /** What stands in the address where the path of the door has a name, decoded once. */
  readonly names: Readonly<Record<NamesOf<Template>, string>>;
  readonly query: URLSearchParams;
}

/**
 * A way in for the clients of the Hugging Face Hub: who is asking, what the address names, and failures as those clients read them.
 * The handler parses the rest, for their bodies come as forms, as JSON, as lines of JSON and as bytes.
 */
export const hubRoute = <const Id extends string, const Template extends string>(
  door: Door<Id> & { readonly path: Template },
  handle: (call: HubCall<Template>) => Promise<Response>,
): ((request: Request, context?: RouteContext) => Promise<Response>) =>
  answerAt(door, async (request) => {
    const actor = await actorOf(request.headers);
    if (actor.kind === "person" && actor.tokenId === null) requireSameOrigin(request);
    requireAdmission(actor, door);
    const { searchParams: query } = new URL(request.url);
    requireStorable([...query].flat());
    return handle({ request, actor, names: namesInAddress(door.path, request.url), query });
  });
