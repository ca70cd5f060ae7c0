import { shuffled } from "#lib/util/shuffled.ts";
import { generatorFor, share } from "../random.ts";

const looks = ["rusty", "woollen", "golden", "broken", "tiny", "huge", "striped", "glowing", "wooden", "painted", "grey", "turquoise", "crimson", "beige", "silver", "checkered"]; // prettier-ignore
const things = ["anchor", "backpack", "barn", "beetle", "bell", "bench", "bucket", "cactus", "camera", "candle", "castle", "clock", "crown", "deer", "drum", "elephant", "fence", "fox", "guitar", "helmet", "island", "jug", "kite", "ladder", "lion", "mirror", "motorcycle", "owl", "piano", "pumpkin", "robot", "rose", "sailboat", "shoe", "snail", "statue", "suitcase", "tower", "train", "violin"]; // prettier-ignore
const places = ["beside a river", "under a starry sky", "in thick fog", "in a library", "on a rooftop", "in a garden", "in an empty room", "at a market", "in tall grass", "by a fireplace", "on a frozen lake", "in a workshop"]; // prettier-ignore
const manners = ["a photo of", "a painting of", "a drawing of", "a close-up of", "a wide view of", ""];

/**
 * For a model of which nobody knows what it was trained with: things that any text-to-image model has seen, with what guidance is for, a look, a place
 * and a manner. No noun of them is asked for where pairs are measured.
 */
export function plainTrainingPrompts(count: number): string[] {
  const all = looks.length * things.length * places.length;
  const draws = generatorFor(0, "plain training prompts");
  const order = shuffled(all, () => share(draws));
  return Array.from(order.subarray(0, count), (at, i) => {
    const [look, thing] = [looks[at % looks.length]!, things[Math.floor(at / looks.length) % things.length]!];
    const place = places[Math.floor(at / (looks.length * things.length))]!;
    const manner = manners[i % manners.length]!;
    const article = /^[aeiou]/.test(look) ? "an" : "a";
    return `${manner} ${article} ${look} ${thing} ${place}`.trim();
  });
}
