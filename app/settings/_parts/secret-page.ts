import type { SecretWords } from "./secret-words.ts";

/**
 * The answer to a form that was sent without scripts and made a secret: the page itself, for a redirect would have to carry the secret
 * in an address or a cookie. Nothing keeps it.
 */
export function secretPage({ note, label, secret, linesNote, lines }: SecretWords): Response {
  const more = lines ? `<p>${escaped(linesNote ?? "")}</p><pre style="${box}">${escaped(lines)}</pre>` : "";
  const html = `<!doctype html><html lang="en" style="color-scheme:light dark;font:15px/1.5 system-ui,sans-serif"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex"><title>${escaped(label)} · Guidepost</title></head>
<body style="max-width:72ch;margin:3rem auto;padding:0 1rem"><main><h1 style="font-size:24px">${escaped(label)}</h1><p>${escaped(note)}</p><pre id="secret" style="${box}">${escaped(secret)}</pre>${more}<p><a href="/settings">Back to your settings</a></p></main></body></html>`;
  return new Response(html, {
    status: 200,
    headers: { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "private, no-store" },
  });
}

const box = "border:1px solid;border-radius:6px;padding:.75rem;white-space:pre-wrap;overflow-wrap:anywhere";

const escaped = (text: string): string => text.replaceAll(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
