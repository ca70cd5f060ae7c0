/** Next calls this once, before the first request of a server. */
export async function register(): Promise<void> {
  if (process.env["NEXT_RUNTIME"] !== "nodejs") return;
  const { restoreContentLength } = await import("#lib/http/content-length.ts");
  restoreContentLength();
}
