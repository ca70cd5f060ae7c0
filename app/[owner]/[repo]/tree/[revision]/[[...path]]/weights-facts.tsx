import type { InspectionView } from "#lib/catalog/inspections/schema.ts";
import { toCount, toPlural } from "../../../../../_page/units.ts";
import { Facts } from "../../../../../_ui/facts.tsx";
import { Notice } from "../../../../../_ui/notice.tsx";

/** What a worker found in a file of weights, or in the network that it is a part of. */
export function WeightsFacts({
  path,
  inspection,
}: {
  readonly path: string;
  readonly inspection: InspectionView | null;
}) {
  const facts = inspection?.facts;
  if (!facts)
    return (
      <Notice>
        Weights in the safetensors format.{" "}
        {inspection?.state === "failed" ? inspection.problem : "No worker has read them yet."}
      </Notice>
    );
  const part = facts.parts.find(({ name }) => path.startsWith(`${name}/`)) ?? null;
  if (!part && path !== facts.mainFile)
    return <Notice>Weights in the safetensors format, which no network of this version is made from.</Notice>;
  const { tensors, parameters, dtypes, family, metadata } = part ?? facts;
  const said = Object.entries(metadata);
  return (
    <div className="space-y-6">
      <Facts
        facts={[
          ["is", part ? `${part.name} of a ${facts.kind}` : facts.kind],
          ...(family ? [["network", family] as const] : []),
          ["tensors", toPlural(tensors, "tensor")],
          ["parameters", toCount(parameters)],
          [
            "kept as",
            dtypes.map(({ dtype, share }) => `${dtype} ${(100 * share).toFixed(share === 1 ? 0 : 1)}%`).join(", "),
          ],
        ]}
      />
      {said.length > 0 && (
        <section aria-labelledby="said">
          <h2 id="said" className="mb-2 text-title">
            What the file says of itself
          </h2>
          <Facts facts={said} />
        </section>
      )}
      <p className="text-small text-quiet">As a worker found it that read every byte.</p>
    </div>
  );
}
