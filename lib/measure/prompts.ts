import { lastLook } from "#lib/pairing/plan.ts";
import { keyedRandom } from "./unseen/keyed-random.ts";

/**
 * What pairs are asked to draw where nobody says otherwise: plain things any text-to-image model has seen, each with a
 * colour, a size or a place, since those are what guidance is for.
 */
const written = [
  "a red house in a green meadow",
  "a small blue boat on a calm sea",
  "a big yellow star in a dark sky",
  "a purple mushroom in the snow",
  "an orange fish in clear water",
  "a pink heart painted on a wooden door",
  "a white rocket in the desert",
  "a green car at sunset",
  "a black cat on a red sofa",
  "a bowl of yellow lemons on a blue table",
  "an old lighthouse in a storm",
  "a brown dog wearing a green hat",
  "two white cups on a wooden shelf",
  "a tall tree beside a small cabin",
  "a yellow umbrella in the rain",
  "a mountain lake at dawn",
];

const colours = ["red", "blue", "yellow", "green", "white", "purple", "orange", "black"];
const things = ["bicycle", "teapot", "horse", "chair", "balloon", "lantern", "bird", "hat", "truck", "flower"];
const places = ["on a beach", "in a forest", "on a stone bridge", "in a kitchen", "on a mountain", "in a city street"];

const coloured = (colour: string, thing: string): string =>
  `${/^[aeiou]/.test(colour) ? "an" : "a"} ${colour} ${thing}`;

/** Composed ones follow those that were written: as many as the longest look asks for. */
const composed = Array.from(
  { length: colours.length * things.length * places.length },
  // Each list has its own step, so that any part of the whole is mixed; 7 has no divisor in common with 480.
  (_, i) => (i * 7) % (colours.length * things.length * places.length),
).map((i) => {
  const [colour, thing] = [colours[i % colours.length]!, things[Math.floor(i / colours.length) % things.length]!];
  const place = places[Math.floor(i / (colours.length * things.length))]!;
  return `${coloured(colour, thing)} ${place}`;
});

/** @param key  decides which of the many thousand of two things; null: those that everybody may explore with */
export function plainPrompts(key: string | null): readonly string[] {
  if (key === null) return [...written, ...composed];
  const random = keyedRandom(key);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const drawn = new Set<string>();
  while (drawn.size < lastLook.prompts) {
    const [first, second] = [pick(things), pick(things)];
    const text = `${coloured(pick(colours), first)} and ${coloured(pick(colours), second)} ${pick(places)}`;
    if (first !== second) drawn.add(text);
  }
  return [...drawn];
}
