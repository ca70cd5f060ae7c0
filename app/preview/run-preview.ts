import type { PreviewView } from "#lib/catalog/previews/schema.ts";

/** An id of our own, so that asking again after a lost answer is no second preview. `crypto.randomUUID` is missing where a hub has no https. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** Asks for a preview. @throws an Error whose message is for the person */
export async function runPreview(id: string, settings: string): Promise<string> {
  const answer = await fetch("/api/v1/previews", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ id, ...(JSON.parse(settings) as object) }),
  });
  const body = (await answer.json()) as PreviewView & { readonly error?: string };
  if (!answer.ok) throw new Error(body.error ?? "The hub cannot be reached; try again in a moment.");
  return body.id;
}
