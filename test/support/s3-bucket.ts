// A bucket on a real S3 server, for whole-system tests.
import { type Bucket, openBucket, parseBucketConfig } from "@deucalion/objstore";
import { type StoreServer, startMoto } from "@deucalion/objstore/testing";

export interface S3Store {
  readonly server: StoreServer;
  readonly bucket: Bucket;
  /** Text for `--objstore.config`; `address` may be that of a proxy. */
  readonly config: (address?: string) => string;
  close(): Promise<void>;
}

/** Starts the server and makes a bucket. */
export async function startS3(name = "metrics"): Promise<S3Store> {
  const server = await startMoto();
  const settings = (address: string) => ({
    type: "S3",
    config: {
      bucket: name,
      endpoint: address,
      insecure: true,
      access_key: "test",
      secret_key: "test",
      region: "us-east-1",
    },
  });
  const own = server.url.replace("http://", "");
  const made = await fetch(`${server.url}/${name}`, {
    method: "PUT",
    headers: {
      authorization: "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request",
    },
  });
  if (!made.ok) throw new Error(`the bucket could not be made: ${made.status}`);
  const bucket = openBucket(parseBucketConfig(settings(own)));
  return {
    server,
    bucket,
    config: (address = own) => JSON.stringify(settings(address)),
    close: async () => {
      await bucket.close();
      await server.close();
    },
  };
}
