import { z } from "zod";
import { fileHash, hashes, modelVersion } from "#lib/catalog/hashes/schema.ts";
import { operation } from "#lib/http/operation.ts";

export const getByHash = operation({
  id: "getByHash",
  method: "GET",
  path: "/api/v1/model-versions/by-hash/{hash}",
  summary: "The file that goes by a hash, in the shape that tools for folders of models read",
  tag: "files",
  scope: null,
  permission: "anyone",
  params: z.object({ hash: fileHash }),
  status: 200,
  response: modelVersion,
  failures: ["not_found"],
});

export const listByHash = operation({
  id: "listByHash",
  method: "POST",
  path: "/api/v1/model-versions/by-hash",
  summary: "What is here of at most 100 hashes; what is not is left out",
  tag: "files",
  scope: null,
  permission: "anyone",
  body: hashes,
  status: 200,
  response: z.array(modelVersion),
  failures: [],
});
