import type { Metadata } from "next";

export const metadata: Metadata = { title: "What the words mean" };

const words = [
  [
    "base",
    "Base",
    "A text-to-image model from which others were made. It says what its fine-tunes have in common: how many channels, how wide its text is, what it predicts. A guide is made for one base.",
  ],
  [
    "fine-tune",
    "Fine-tune",
    "A model that somebody trained further from a base, for a style or a subject: all its weights, or a small low-rank file (LoRA) that changes those of the base.",
  ],
  [
    "guide",
    "Guide",
    "A small network, about a hundredth of its base, trained once against the frozen base. It adds in one forward pass what classifier-free guidance needs a second pass for, on the base and, without further training, on its fine-tunes.",
  ],
  [
    "cfg",
    "CFG (classifier-free guidance)",
    "The usual way to make a picture follow its prompt: each step runs the model twice, with the prompt and without, and goes further in the direction of the difference. Twice the work.",
  ],
  [
    "pair",
    "Pair",
    "One fine-tune with one guide. Whether a guide works on a fine-tune is a question about the pair, and is answered by measuring it.",
  ],
  [
    "evidence",
    "Evidence",
    "What was measured of a pair, with how many samples and how sure it is, of exactly which bytes, and when. A verdict is never a guess: a pair that nobody measured says so.",
  ],
  [
    "seed",
    "Seed",
    "The number that the noise is drawn from. With the same seed all three modes begin with the same noise, so that their pictures can be compared.",
  ],
  [
    "pass",
    "Pass",
    "One run of the model on one picture. A step takes one pass without guidance or with a guide, and two with CFG.",
  ],
  [
    "prompt-fidelity",
    "Prompt fidelity",
    "How well a picture keeps to its prompt, as an evaluator reads it: the share of what the prompt asks for that the picture shows, or how similar CLIP finds the two.",
  ],
  [
    "evaluator",
    "Evaluator",
    "What reads pictures and so judges. It is a repo like others, and only the operators of a hub say which ones judge, never those who are judged. What it reads counts where its accuracy was measured on pictures whose content is known. Where several judge a model, a word needs all of them.",
  ],
  [
    "recovered",
    "R, recovered",
    "Of what CFG adds to prompt fidelity, the share that the guide recovers: 1 is as good as CFG, 0 is no better than no guidance. “Verified” says that it is certainly at least 0.7, “usable with limits” at least 0.4.",
  ],
  [
    "look",
    "Look",
    "Prompts are drawn by a plan that is fixed beforehand: 48, then up to 96, 192 and 384 where nothing is certain yet. Each look has its own part of the error, so that looking again makes no word more likely, and asking again draws no other prompts.",
  ],
  [
    "residual-strength",
    "Residual strength",
    "How strongly a guide acts for a given guidance scale: at guidance 1 it adds nothing, bit for bit, and beyond that it grows with guidance − 1.",
  ],
] as const;

export default function WordsPage() {
  return (
    <div className="max-w-[72ch]">
      <h1 className="text-page">What the words mean</h1>
      <p className="mt-2 text-quiet">They mean the same on every page of this hub.</p>
      <dl className="mt-6 space-y-5">
        {words.map(([id, word, meaning]) => (
          <div key={id} id={id} className="scroll-mt-4 target:border-l-4 target:border-accent target:pl-4">
            <dt className="text-title font-semibold">{word}</dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
