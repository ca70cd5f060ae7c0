import { type Deflated, type Inflated, pngTexts } from "./png-text.ts";

/** `readPngText` where there is no Node: a browser inflates as a stream. */
export async function readPngTextInBrowser(bytes: Uint8Array): Promise<Map<string, string>> {
  const reading = pngTexts(bytes);
  for (let step = reading.next(); ; step = reading.next(await inflated(step.value))) if (step.done) return step.value;
}

async function inflated({ data, limit }: Deflated): Promise<Inflated> {
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    const reader = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      length += part.value.length;
      if (length > limit) return (void reader.cancel().catch(() => {}), "too long");
      parts.push(part.value);
    }
  } catch (cause) {
    return { cause };
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
