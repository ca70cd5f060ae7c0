import pg from "pg";

/** Before anything is written: after a backup was put back, what happens now comes after what happened before, for whoever reads on. */
export async function continueOutbox(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: "guidepost start" });
  await client.connect();
  try {
    await client.query("SELECT outbox_continue()");
  } finally {
    await client.end();
  }
}
