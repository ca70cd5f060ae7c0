/**
 * The Content-Disposition of a download (RFC 6266): the name in full for every client of today, and one of plain letters for the
 * rest. What no file can be called (control characters, slashes) or what would show it reversed becomes `_`.
 *
 * By hand: huggingface_hub looks for `filename="…";` with quotes and the last semicolon, which no package writes.
 *
 *   attachment; filename*=UTF-8''M%C3%BCll.safetensors; filename="M_ll.safetensors";
 */
export function contentDisposition(disposition: "inline" | "attachment", fileName: string): string {
  const name = fileName.toWellFormed().replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}/\\]/gu, "_");
  const full = encodeURIComponent(name).replaceAll(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  const plain = name.replaceAll(/[^\u0020-\u007e]/gu, "_").replaceAll('"', '\\"');
  return `${disposition}; filename*=UTF-8''${full}; filename="${plain}";`;
}
