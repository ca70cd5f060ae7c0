/**
 * What pairs are asked to draw where nobody says otherwise: plain things any text-to-image model has seen, each with a
 * colour, a size or a place, since those are what guidance is for.
 */
export const plainPrompts: readonly string[] = [
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
