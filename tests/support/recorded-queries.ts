import pg from "pg";

/** A question to the database, as it went there, and how long its answer took, in milliseconds. */
export interface RecordedQuery {
  readonly text: string;
  readonly values: readonly unknown[];
  readonly took: number;
}

type Ask = (...args: unknown[]) => unknown;
interface Config {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Of what pg's clients take: a text or a config, then values, each with or without. */
function toConfig([first, second]: readonly unknown[]): Config | null {
  const { text, values } = (typeof first === "string" ? { text: first } : (first ?? {})) as Partial<Config>;
  return typeof text === "string" ? { text, values: values ?? (Array.isArray(second) ? second : []) } : null;
}

/** Everything that this process asks its database while `run` runs, whatever asks it. One at a time: what else asks meanwhile is recorded too. */
export async function recordQueries<T>(
  run: (soFar: readonly RecordedQuery[]) => Promise<T>,
): Promise<{ readonly result: T; readonly queries: readonly RecordedQuery[] }> {
  const queries: RecordedQuery[] = [];
  const prototype = pg.Client.prototype as unknown as { query: Ask };
  const ask = prototype.query;
  prototype.query = function record(this: unknown, ...args: unknown[]): unknown {
    const began = performance.now();
    const note = (): void => {
      const asked = toConfig(args);
      if (asked) queries.push({ ...asked, took: performance.now() - began });
    };
    const last = args.at(-1);
    if (typeof last !== "function") {
      const answer = ask.apply(this, args);
      return answer instanceof Promise ? answer.finally(note) : answer;
    }
    return ask.apply(this, [
      ...args.slice(0, -1),
      (...told: unknown[]): void => {
        note();
        (last as Ask)(...told);
      },
    ]);
  };
  try {
    return { result: await run(queries), queries };
  } finally {
    prototype.query = ask;
  }
}

interface PlanNode {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly Plans?: readonly PlanNode[];
}

/**
 * The tables that a question would read from the first row to the last, as PostgreSQL plans it for the values that it was asked with,
 * and for any: which of the two it takes is up to it, once a connection has asked a few times.
 */
export async function tablesReadWhole(client: pg.Client, { text, values }: RecordedQuery): Promise<Set<string>> {
  const found = new Set<string>();
  const walk = (node: PlanNode): void => {
    if (/^(Parallel )?Seq Scan$/.test(node["Node Type"])) found.add(node["Relation Name"]!);
    node.Plans?.forEach(walk);
  };
  if (!/^\s*(SELECT|WITH|UPDATE|INSERT|DELETE)\b/i.test(text)) return found;
  const explain = async (options: string, given: readonly unknown[]): Promise<void> => {
    const { rows } = await client.query<{ "QUERY PLAN": { Plan: PlanNode }[] }>(
      `EXPLAIN (FORMAT JSON${options}) ${text}`,
      [...given],
    );
    walk(rows[0]!["QUERY PLAN"][0]!.Plan);
  };
  await explain("", values);
  const { rows } = await client.query<{ generic: boolean }>(
    "SELECT current_setting('server_version_num')::int >= 160000 AS generic",
  );
  if (rows[0]!.generic && values.length > 0) await explain(", GENERIC_PLAN", []);
  return found;
}
