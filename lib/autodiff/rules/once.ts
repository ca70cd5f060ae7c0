/** What several gradients of one node need: built when the first asks. */
export function once<T>(build: () => T): () => T {
  let built: { readonly value: T } | null = null;
  return () => (built ??= { value: build() }).value;
}
