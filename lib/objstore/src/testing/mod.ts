// Test suites and test buckets for other packages.

export { bucketAcceptance } from "./bucket-acceptance.ts";
export type { Fault, FaultChooser } from "./faulty-bucket.ts";
export { FaultyBucket } from "./faulty-bucket.ts";
export { MemoryBucket } from "./memory-bucket.ts";
export { type StoreServer, startAzurite, startGcsEmulator, startMoto } from "./store-servers.ts";
