import type { Vocabulary } from "#lib/measure/evaluator-network.ts";
import { PythonRandom } from "#lib/util/python-random.ts";

/** The starter's words, in the order in which its pictures were drawn. */
export const words: Vocabulary = {
  backgrounds: ["in a meadow", "in the desert", "at sea", "in the snow", "at night", "at sunset"],
  kinds: ["house", "tree", "boat", "fish", "star", "flower", "car", "mushroom", "heart", "rocket"],
  colors: ["red", "orange", "yellow", "green", "blue", "purple", "pink", "white"],
  sizes: ["small", "big"],
};

interface Scene {
  readonly things: readonly { readonly size: string; readonly color: string; readonly kind: string }[];
  readonly background: string;
}

/** Each draw in its turn: any other order would be other scenes. */
function drawScene(random: PythonRandom): Scene {
  const count = random.random() < 0.5 ? 1 : 2;
  const kinds = random.sample(words.kinds, count);
  const things = kinds.map((kind) => ({ size: random.choice(words.sizes), color: random.choice(words.colors), kind }));
  const background = random.choice(words.backgrounds);
  random.randrange(2 ** 31); // by which the picture was drawn
  return { things, background };
}

const trueCaption = ({ things, background }: Scene): string =>
  `${things.map(({ size, color, kind }) => `a ${size} ${color} ${kind}`).join(" and ")} ${background}`;

/** As it was trained with: now and then a word is missing or wrong. */
function muddledCaption({ things, background }: Scene, random: PythonRandom): string {
  const parts = things.map((thing) => {
    const color = random.random() < 0.04 ? random.choice(words.colors) : thing.color;
    const said = [...(random.random() > 0.2 ? [thing.size] : []), ...(random.random() > 0.12 ? [color] : [])];
    return ["a", ...said, thing.kind].join(" ");
  });
  if (parts.length === 2 && random.random() < 0.06) parts.splice(random.randrange(2), 1);
  const caption = parts.join(" and ");
  return random.random() < 0.12 ? caption : `${caption} ${background}`;
}

const PICTURES = 20_000;
const AT_ONCE = 2_000;

/** Picture by picture, what the base and its fine-tunes were trained with: the caption, and what the picture truly shows, which the evaluator learned. */
export function* trainingPictures(): Generator<{ readonly caption: string; readonly scene: string }> {
  for (let begin = 0; begin < PICTURES; begin += AT_ONCE) {
    const random = new PythonRandom(1_000_000 + begin);
    for (let i = 0; i < AT_ONCE; i++) {
      const scene = drawScene(random);
      yield { caption: muddledCaption(scene, random), scene: trueCaption(scene) };
    }
  }
}

/** All of them. */
export function trainedWith(): { readonly captions: string[]; readonly scenes: string[] } {
  const pictures = [...trainingPictures()];
  return { captions: pictures.map(({ caption }) => caption), scenes: pictures.map(({ scene }) => scene) };
}

/** What guide-tiny was distilled on. */
export function distilledOn(): string[] {
  const random = new PythonRandom(4242);
  return Array.from({ length: 512 }, () => trueCaption(drawScene(random)));
}
