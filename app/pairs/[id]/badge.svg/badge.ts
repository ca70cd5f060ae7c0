import { escapeMarkup } from "#lib/util/escape-markup.ts";

const HEIGHT = 20;
const PAD = 6;
/** Of Verdana at 11 px, about; `textLength` makes it exact in whatever font is there. */
const LETTER = 6.6;

/** Two words on two grounds, as badges in READMEs are: what it is about, and what was found. Read aloud as one sentence. */
export function badge(about: string, found: string, colour: string): string {
  const [left, right] = [about, found].map((text) => Math.ceil([...text].length * LETTER) + 2 * PAD) as [number, number];
  const text = (said: string, from: number, width: number): string =>
    `<text x="${from + PAD}" y="14" textLength="${width - 2 * PAD}" lengthAdjust="spacingAndGlyphs">${escapeMarkup(said)}</text>`;
  const label = escapeMarkup(`${about}: ${found}`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${left + right}" height="${HEIGHT}" role="img" aria-label="${label}">`,
    `<title>${label}</title>`,
    `<clipPath id="corners"><rect width="${left + right}" height="${HEIGHT}" rx="3"/></clipPath>`,
    `<g clip-path="url(#corners)"><rect width="${left}" height="${HEIGHT}" fill="#444"/>`,
    `<rect x="${left}" width="${right}" height="${HEIGHT}" fill="${colour}"/></g>`,
    `<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">`,
    text(about, 0, left) + text(found, left, right),
    `</g></svg>`,
  ].join("");
}
