/**
 * What some work makes of each of some items, in their order, with `ahead` of them under way at most, the one that is waited for among
 * them. Whoever stops early, or finds that one failed, has the rest told to stop, and none is left running at the end.
 */
export async function* inOrderAhead<Item, Result>(
  items: readonly Item[],
  ahead: number,
  work: (item: Item, signal: AbortSignal) => Promise<Result>,
): AsyncGenerator<Result, void> {
  const stop = new AbortController();
  const coming: Promise<Result>[] = [];
  let begun = 0;
  try {
    for (const [index] of items.entries()) {
      for (const item of items.slice(begun, index + ahead)) {
        const result = work(item, stop.signal);
        result.catch(() => {}); // it is told when its turn comes
        coming.push(result);
        begun++;
      }
      yield await coming.shift()!;
    }
  } finally {
    stop.abort();
    await Promise.allSettled(coming);
  }
}
