import { PrismaPg } from "@prisma/adapter-pg";
import {
  ColumnTypeEnum,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
} from "@prisma/driver-adapter-utils";
import pg from "pg";
import { withDatabase } from "#lib/db/database-url.ts";

/**
 * What the schema engine reaches PostgreSQL through. npm's adapter is made for the queries of an application; as of 7.10.0 it
 * differs in three points from what migrations need, and this makes them good:
 *
 * - it cuts a script at every semicolon, also inside a function body, and runs the pieces on any connection of its pool;
 * - it does not know the type "char", which the engine's catalogue queries return;
 * - it drops the shadow database while it is still connected to it.
 */
export function migrationAdapter(url: string): SqlMigrationAwareDriverAdapterFactory {
  return {
    provider: "postgres",
    adapterName: "@prisma/adapter-pg",
    connect: () => open(url),
    connectToShadowDb: async () => {
      const database = `prisma_migrate_shadow_db_${crypto.randomUUID()}`;
      const main = await open(url);
      await main.executeScript(`CREATE DATABASE "${database}"`);
      const shadow = await open(withDatabase(url, database));
      const { dispose } = shadow;
      shadow.dispose = async () => {
        await dispose.call(shadow);
        await main.executeScript(`DROP DATABASE "${database}" WITH (FORCE)`);
        await main.dispose();
      };
      return shadow;
    },
  };
}

const SINGLE_CHAR = 18; // pg_type.oid of "char", which pg.types does not list

async function open(url: string): Promise<SqlDriverAdapter> {
  const pool = new pg.Pool({ connectionString: url });
  const adapter = await new PrismaPg(pool, {
    disposeExternalPool: true,
    onPoolError: () => {},
    onConnectionError: () => {},
  }).connect();
  const { queryRaw } = adapter;
  adapter.queryRaw = async (query) => {
    const single = new Set<number>();
    const ask = async (config: pg.QueryArrayConfig): Promise<pg.QueryArrayResult> => {
      const result = await pool.query(config);
      for (const [column, field] of result.fields.entries()) {
        if (field.dataTypeID !== SINGLE_CHAR) continue;
        single.add(column);
        field.dataTypeID = pg.types.builtins.BPCHAR; // which the adapter knows, as text
      }
      return result;
    };
    const result = await queryRaw.call(Object.create(adapter, { client: { value: { query: ask } } }), query);
    return {
      ...result,
      columnTypes: result.columnTypes.map((type, column) => (single.has(column) ? ColumnTypeEnum.Character : type)),
    };
  };
  // Without values `pg` uses the simple protocol: the whole script at once, in one implicit transaction.
  adapter.executeScript = async (script) => void (await adapter.executeRaw({ sql: script, args: [], argTypes: [] }));
  return adapter;
}
