import type { Measured, PairView } from "#lib/catalog/pairs/schema.ts";
import { toMoment } from "../../_page/units.ts";
import { Facts } from "../../_ui/facts.tsx";
import { Hash } from "../../_ui/hash.tsx";
import { Table } from "../../_ui/table.tsx";

const levelNames: Readonly<Record<number, string>> = { 0: "L0 structure", 1: "L1 lineage", 2: "L2 single steps", 4: "L4 pictures", 5: "L5 cost" };

/** How the numbers were got: all that somebody needs to get them again. */
export function MethodSection({ pair, measured: { protocol, runtime, files, evaluatorSha256, promptsSha256 } }: { readonly pair: PairView; readonly measured: Measured }) {
  return (
    <section aria-labelledby="method" className="mt-12">
      <h2 id="method" className="text-title">
        How it was measured
      </h2>
      <div className="mt-3 grid gap-x-10 gap-y-6 md:grid-cols-2">
        <Facts
          facts={[
            ["when", pair.measuredAt ? toMoment(pair.measuredAt) : "—"],
            ["runtime", `${runtime.name} ${runtime.version}, ${runtime.provider}, ${runtime.threads} threads`],
            ["protocol", <code key="p">{pair.protocol}</code>],
            ["pictures", `${pair.n ?? pair.pictures} prompts in three modes from the same noise, seed ${protocol.pictureSeed}`],
            ["sampler", `${protocol.sampler}, ${protocol.steps} steps, guidance ${protocol.guidanceScale}`],
            ["single steps", `${protocol.agreementPrompts} prompts at guidance ${protocol.agreementGuidances.join(", ")}, seed ${protocol.agreementSeed}`],
            ["evaluator", evaluatorSha256 ? <Hash key="e" sha256={evaluatorSha256} /> : "none"],
            ["prompts", promptsSha256 ? <Hash key="l" sha256={promptsSha256} /> : "made from the evaluator's words, or plain ones"],
            ["intervals", "95 %, by bootstrap over prompts"],
          ]}
        />
        <div className="space-y-6">
          <Table caption="What each level took" head={["level", "samples", "took", "machine"]}>
            {pair.measurements.map(({ level, n, milliseconds, machine }) => (
              <tr key={level}>
                <td>{levelNames[level] ?? `L${level}`}</td>
                <td>{n}</td>
                <td className="whitespace-nowrap">{milliseconds < 100 ? "—" : `${(milliseconds / 1000).toFixed(1)} s`}</td>
                <td className="text-small text-quiet">{machine}</td>
              </tr>
            ))}
          </Table>
          <Table caption="Of exactly which bytes" head={["part", "file", "sha256"]}>
            {files.map(({ role, path, sha256 }) => (
              <tr key={`${role} ${path}`}>
                <td>{role}</td>
                <td className="text-small [overflow-wrap:anywhere]">{path}</td>
                <td>
                  <Hash sha256={sha256} />
                </td>
              </tr>
            ))}
          </Table>
        </div>
      </div>
    </section>
  );
}
