// Public names of @deucalion/objstore.
export type {
  Bucket,
  ListEntry,
  ListOptions,
  ObjectAttributes,
  UploadBody,
  UploadOptions,
} from "./bucket.ts";
export type { BucketConfig, BucketType, OpenBucketDeps } from "./config/bucket-config.ts";
export { openBucket, parseBucketConfig } from "./config/bucket-config.ts";
export { credentialFiles, filesStamp } from "./config/credential-files.ts";
export type { ObjstoreErrorCode } from "./errors.ts";
export { isNotFound, ObjstoreError } from "./errors.ts";
export { FilesystemBucket } from "./filesystem/filesystem-bucket.ts";
export { proxyAuthorization, proxyOf } from "./http/env-proxy.ts";
export { openTunnel } from "./http/proxy-tunnel.ts";
export { ForwardingBucket } from "./wrap/forwarding-bucket.ts";
export type { HedgingOptions } from "./wrap/hedged-bucket.ts";
export type { BucketMetrics, BucketOperation } from "./wrap/metered-bucket.ts";
export { meteredBucket } from "./wrap/metered-bucket.ts";
export { prefixedBucket } from "./wrap/prefixed-bucket.ts";
export type { ReloadingBucketDeps, ReloadingBucketOptions } from "./wrap/reloading-bucket.ts";
export { ReloadingBucket } from "./wrap/reloading-bucket.ts";
export type { BucketSpanName, StartBucketSpan } from "./wrap/traced-bucket.ts";
export { tracedBucket } from "./wrap/traced-bucket.ts";
