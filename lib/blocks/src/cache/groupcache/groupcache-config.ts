// `config` of a caching bucket of type GROUPCACHE.
import { BlocksError } from "../../errors.ts";
import type { CacheFields } from "../cache-config.ts";
import type { GroupcacheOptions } from "./groupcache.ts";

function wrong(message: string): never {
  throw new BlocksError("BLOCKS_CACHE", message);
}

/** Reads the section. Throws BLOCKS_CACHE. */
export function readGroupcache(config: CacheFields): GroupcacheOptions {
  const selfUrl = config.text("self_url");
  const listed = config.list("peers");
  const peers = listed.length === 0 ? [selfUrl] : listed;
  // Names are looked up by the system, whatever it says.
  config.text("dns_sd_resolver");
  const options: GroupcacheOptions = {
    peers,
    selfUrl,
    group: config.text("groupcache_group"),
    bytesMax: config.bytes("max_size", 250 << 20),
    dnsIntervalMs: config.durationMs("dns_interval", 60_000),
    timeoutMs: config.durationMs("timeout", 2000),
  };
  config.noOthers();
  for (const [i, peer] of peers.entries())
    if (peer.endsWith("/")) wrong(`peer ${i} must not have a trailing slash (${peer})`);
  if (selfUrl.endsWith("/")) wrong(`self URL ${selfUrl} must not have a trailing slash`);
  if (selfUrl === "") wrong("self_url must be set");
  if (options.group === "") wrong("groupcache_group must be set");
  if (options.dnsIntervalMs <= 0) wrong("dns_interval must be positive");
  return options;
}
