import type { Metadata } from "next";
import { Button, ButtonLink } from "../_ui/button.tsx";
import { Code } from "../_ui/code.tsx";
import { Empty } from "../_ui/empty.tsx";
import { Estimate } from "../_ui/estimate.tsx";
import { Facts } from "../_ui/facts.tsx";
import { Field, SelectField, TextField } from "../_ui/field.tsx";
import { Hash } from "../_ui/hash.tsx";
import { ModeName, modes } from "../_ui/mode.tsx";
import { Notice } from "../_ui/notice.tsx";
import { Pager } from "../_ui/pager.tsx";
import { Progress } from "../_ui/progress.tsx";
import { Table } from "../_ui/table.tsx";
import { Tabs } from "../_ui/tabs.tsx";
import { type Standing, Verdict } from "../_ui/verdict.tsx";

export const metadata: Metadata = { title: "Components", robots: { index: false } };

const standings: readonly Standing[] = [
  "verified",
  "usableWithLimits",
  "inconclusive",
  "incompatible",
  "notMeasured",
  "running",
  "queued",
  "failed",
  "cancelled",
];
const long =
  "a-name-as-long-as-a-name-may-be-which-is-ninety-six-characters-so-that-somebody-will-have-it-0123456789".slice(
    0,
    96,
  );

/** Every part that pages are made of, in all its states; what accessibility is tested on. */
export default function ComponentsPage() {
  return (
    <div className="space-y-8">
      <h1 className="text-page">Components</h1>
      <section aria-label="Buttons" className="flex flex-wrap gap-3">
        <Button look="primary">Run preview</Button>
        <Button>Measure this pair</Button>
        <Button look="danger">Delete this repo</Button>
        <Button look="quiet">Cancel</Button>
        <Button disabled>Not now</Button>
        <ButtonLink href="#x">A link</ButtonLink>
      </section>
      <section aria-label="Verdicts" className="flex flex-wrap gap-x-6 gap-y-2">
        {standings.map((standing) => (
          <Verdict key={standing} standing={standing} />
        ))}
        <Verdict standing="verified" stale="The guide has other weights since." />
      </section>
      <section aria-label="Modes" className="flex gap-6">
        {modes.map((mode) => (
          <ModeName key={mode} mode={mode} />
        ))}
      </section>
      <section aria-label="Notices" className="space-y-3">
        <Notice>Small practice models: they draw one or two simple things.</Notice>
        <Notice kind="good">Verified on 48 prompts.</Notice>
        <Notice kind="careful">Measured otherwise since.</Notice>
        <Notice kind="bad">
          {long}.safetensors is no safetensors file: its header ends at byte 100,000,001, beyond the file. Nothing was
          kept; send the whole file.
        </Notice>
      </section>
      <section aria-label="Numbers">
        <Facts
          facts={[
            ["recovered", <Estimate key="r" of={{ value: 0.984, low: 0.914, high: 1.055, n: 48 }} />],
            ["not yet", <Estimate key="n" of={null} />],
            ["weights", <Hash key="h" sha256="a1c8a5aa707d0000000000000000000000000000000000000000000000000000" />],
            ["a long name", long],
          ]}
        />
      </section>
      <section aria-label="Progress" className="max-w-md space-y-3">
        <Progress label="Known" value={12} max={20} />
        <Progress label="Unknown" value={null} max={null} />
      </section>
      <section aria-label="Lists">
        <Tabs
          label="Parts"
          current="#b"
          tabs={[
            { href: "#a", label: "Card" },
            { href: "#b", label: "Files", count: 12 },
            { href: "#c", label: "Versions", count: 10000 },
          ]}
        />
        <Table caption="Files" head={["path", "size"]}>
          <tr>
            <td>unet/diffusion_pytorch_model.safetensors</td>
            <td>17.7 MB</td>
          </tr>
          <tr>
            <td>{long}</td>
            <td>1 B</td>
          </tr>
        </Table>
        <Pager first="#first" next="#next" what="files" />
      </section>
      <section aria-label="Nothing">
        <Empty title="No guides yet" action={<ButtonLink href="#u">Upload a guide</ButtonLink>}>
          Guides that were made for this base appear here as soon as they are uploaded.
        </Empty>
      </section>
      <form aria-label="Fields" className="max-w-md">
        <Field name="a-field" label="Name" hint="Letters and digits." />
        <Field name="a-problem" label="Name" problem="It is taken; choose another." defaultValue={long} />
        <TextField name="a-text" label="Prompt" rows={2} />
        <SelectField name="a-choice" label="Base">
          <option>guidepost/storybook</option>
        </SelectField>
      </form>
      <Code
        label="Download with curl"
        text={"curl -LO https://hub.example/guidepost/guide-tiny/resolve/main/guide.safetensors"}
      />
    </div>
  );
}
