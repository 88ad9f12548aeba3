// What whole-system tests share.
export { freePort } from "@deucalion/base/testing";
export { type Backfill, backfillBlocks } from "./backfill.ts";
export { startMemcached, startRedis } from "./cache-servers.ts";
export { type FaultyProxy, seededRandom, startFaultyProxy } from "./faulty-proxy.ts";
export {
  alertmanagerBinary,
  chromiumBinary,
  memcachedPeer,
  type Peer,
  prometheusBinary,
  promtoolBinary,
  redisPeer,
} from "./peers.ts";
export { deucalion, eventually, getJson, Running, sleep } from "./processes.ts";
export { conformanceRoot, repositoryRoot } from "./repository.ts";
export { type S3Store, startS3 } from "./s3-bucket.ts";
export { type SidecarUnderTest, startSidecar } from "./sidecar.ts";
