import { S3Store } from "#lib/storage/s3.ts";
import { objectStoreContract } from "../../contract/object-store.ts";
import { noS3Server, startS3Server } from "../../support/s3-server.ts";

objectStoreContract(
  "the S3 store",
  async () => {
    const server = await startS3Server();
    return { store: new S3Store(server.settings, { pageSize: 2 }), close: server.stop };
  },
  noS3Server,
);
