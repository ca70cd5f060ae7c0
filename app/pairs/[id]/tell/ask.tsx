import type { Question } from "#lib/catalog/comparisons/schema.ts";
import { PressKeys } from "../../../_islands/press-keys.tsx";
import { Button } from "../../../_ui/button.tsx";
import { Picture } from "../../../_ui/picture.tsx";

const answers = [
  { value: "first", key: "1", words: "A follows it better" },
  { value: "second", key: "2", words: "B follows it better" },
  { value: "neither", key: "0", words: "No difference" },
] as const;

/** Two pictures and three buttons. Both halves are of one file, so that nothing about one of them could tell. */
export function Ask({ id, question }: { readonly id: string; readonly question: Question }) {
  const { prompt, picture, width, height } = question;
  return (
    <form method="post" action={`/pairs/${id}/tell/answer`} className="mt-2" aria-labelledby="prompt">
      <PressKeys />
      <input type="hidden" name="question" value={question.id} />
      <h2 id="prompt" className="max-w-[40ch] text-title [overflow-wrap:anywhere]">
        “{prompt}”
      </h2>
      <div className="mt-4 grid grid-cols-[minmax(0,auto)_minmax(0,auto)] justify-start gap-4">
        {(["A", "B"] as const).map((name) => (
          <figure key={name} className="min-w-0">
            <Picture
              url={picture}
              width={width}
              height={height}
              room={384}
              phoneRoom={170}
              eager
              alt={`Picture ${name} of two for this prompt`}
              className={`object-cover ${name === "A" ? "object-left" : "object-right"}`}
            />
            <figcaption aria-hidden className="mt-1 text-center font-medium">
              {name}
            </figcaption>
          </figure>
        ))}
      </div>
      <div
        role="group"
        aria-label="Which follows the prompt better?"
        className="mt-4 flex max-w-[784px] flex-wrap gap-3"
      >
        {answers.map(({ value, key, words }) => (
          <Button
            key={value}
            type="submit"
            name="answer"
            value={value}
            data-key={key}
            aria-keyshortcuts={key}
            className="flex-1"
          >
            {words}{" "}
            <kbd aria-hidden className="hidden rounded border border-line bg-sunken px-1.5 text-small sm:inline">
              {key}
            </kbd>
          </Button>
        ))}
      </div>
    </form>
  );
}
