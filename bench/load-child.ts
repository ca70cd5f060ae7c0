import autocannon from "autocannon";

/** What a process that makes load is told to ask, for how many seconds. */
export interface Load {
  readonly url: string;
  readonly paths: readonly string[];
  readonly connections: number;
  readonly seconds: number;
}

export interface LoadResult {
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** How many answers had which status; 0 is none: an error, or no answer within 10 s. */
  readonly statuses: Readonly<Record<string, number>>;
}

process.on("message", (load: Load) => void measure(load).then((result) => process.send!(result)));
process.on("disconnect", () => process.exit(0));

async function measure({ url, paths, connections, seconds }: Load): Promise<LoadResult> {
  const { requests, latency, duration, errors, statusCodeStats } = await autocannon({
    url,
    requests: paths.map((path) => ({ path })),
    connections,
    duration: seconds,
  });
  const statuses = Object.fromEntries(Object.entries(statusCodeStats!).map(([status, { count }]) => [status, count!]));
  return {
    perSecond: requests.total / duration,
    p50: latency.p50,
    p99: latency.p99,
    statuses: { ...statuses, ...(errors > 0 && { 0: errors }) },
  };
}
