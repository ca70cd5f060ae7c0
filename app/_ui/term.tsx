/** A word of the field at its first use on a page, with what it means a tap away. */
export function Term({
  word,
  children = word,
}: {
  readonly word:
    | "guide"
    | "evaluator"
    | "base"
    | "fine-tune"
    | "pair"
    | "evidence"
    | "cfg"
    | "residual strength"
    | "prompt fidelity"
    | "recovered"
    | "seed"
    | "look"
    | "pass";
  readonly children?: string;
}) {
  return (
    <a href={`/words#${word.replace(" ", "-")}`} className="text-inherit underline decoration-dotted">
      {children}
    </a>
  );
}
