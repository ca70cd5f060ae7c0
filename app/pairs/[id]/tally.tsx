import type { Tally } from "#lib/catalog/comparisons/schema.ts";
import { ButtonLink } from "../../_ui/button.tsx";
import { Estimate } from "../../_ui/estimate.tsx";
import { Facts } from "../../_ui/facts.tsx";

/** What people found who did not know which picture was whose. It is theirs, and no part of the verdict. */
export function TellSection({ id, tally }: { readonly id: string; readonly tally: Tally }) {
  return (
    <section aria-labelledby="tell" className="mt-12 max-w-[72ch]">
      <h2 id="tell" className="text-title">
        Can you tell? — people&apos;s answers, no part of the verdict
      </h2>
      <p className="mt-1 mb-3 text-quiet">
        Two pictures of one seed, with CFG and with the guide, and nothing that says which is which: which follows the
        prompt better?
      </p>
      <TallyOf tally={tally} />
      <p className="mt-4">
        <ButtonLink href={`/pairs/${id}/tell`}>Look, and say which</ButtonLink>
      </p>
    </section>
  );
}

/** How many there are, and from thirty on what they said. */
export function TallyOf({ tally: { answers, enough, said } }: { readonly tally: Tally }) {
  if (!said)
    return (
      <p>
        {answers} of {enough} answers. What people said is told from {enough} on, for fewer say nothing.
      </p>
    );
  const { guide, cfg, neither, share } = said;
  return (
    <>
      <p data-people>{sentenceOf(share, answers)}</p>
      <div className="mt-3">
        <Facts
          facts={[
            ["the guide's", share ? <Estimate key="s" of={share} /> : "nobody saw a difference"],
            ["answers", `${guide} for the guide's picture, ${cfg} for CFG's, ${neither} saw no difference`],
            [
              "interval",
              "95%, Wilson's, of those who saw a difference; for one look, and each person answers at most once a prompt",
            ],
          ]}
        />
      </div>
    </>
  );
}

type Share = NonNullable<Tally["said"]>["share"];

function sentenceOf(share: Share, answers: number): string {
  const from = `People, in ${answers} answers,`;
  if (!share || (share.low <= 0.5 && share.high >= 0.5))
    return `${from} cannot tell them apart so far, by which follows the prompt better.`;
  return `${from} find that ${share.low > 0.5 ? "the guide's" : "CFG's"} pictures follow the prompt better more often.`;
}
