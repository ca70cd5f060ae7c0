import type { Role } from "#lib/catalog/namespaces/schema.ts";

export const roleWords: Readonly<Record<Role, string>> = {
  owner: "members too",
  writer: "changes repos",
  reader: "sees private ones",
};
