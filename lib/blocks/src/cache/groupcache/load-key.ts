// What a key of the caching bucket stands for, read from the bucket for a peer that asks.
import { type Bucket, isNotFound } from "@deucalion/objstore";
import { BlocksError } from "../../errors.ts";
import { type CachingBucketOptions, chunkPattern, metaPattern } from "../caching-bucket.ts";

/** Longest part of a chunk file that is read for a peer. */
const rangeBytesMax = 64 << 20;
const encoder = new TextEncoder();

export interface LoadedValue {
  readonly value: Uint8Array;
  readonly ttlMs: number;
}

function wrong(key: string): never {
  throw new BlocksError("BLOCKS_CACHE", `no key of a caching bucket: ${key.slice(0, 200)}`);
}

const text = (value: string, ttlMs: number): LoadedValue => ({
  value: encoder.encode(value),
  ttlMs,
});

async function loadRange(
  [name = "", ...ends]: readonly string[],
  key: string,
  bucket: Bucket,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const numbers = ends.every((end) => /^\d{1,15}$/.test(end)) ? ends.map(Number) : [];
  const [from = 0, to = 0] = numbers.length === 2 ? numbers : wrong(key);
  if (!chunkPattern.test(name) || to <= from || to - from > rangeBytesMax) wrong(key);
  const value = await bucket.getRange(name, from, to - from, signal);
  if (value.length !== to - from) wrong(key);
  return value;
}

/** Throws BLOCKS_CACHE for what no caching bucket asks for, else what the bucket throws. */
export async function loadKey(
  key: string,
  bucket: Bucket,
  options: CachingBucketOptions,
  signal: AbortSignal,
): Promise<LoadedValue> {
  const [verb = "", ...rest] = key.split(":");
  const name = rest[0] ?? wrong(key);
  if (verb === "subrange") {
    return {
      value: await loadRange(rest, key, bucket, signal),
      ttlMs: options.chunkSubrangeTtlMs,
    };
  }
  if (verb === "iter" || verb === "iter-recursive") {
    if (name !== "" || rest.length > 2) wrong(key);
    const names: string[] = [];
    for await (const entry of bucket.iter("", { recursive: verb !== "iter" }, signal))
      names.push(entry.name);
    return text(JSON.stringify(names), options.blocksIterTtlMs);
  }
  if (rest.length !== 1) wrong(key);
  if (verb === "attrs" && chunkPattern.test(name)) {
    const { size, lastModifiedMs } = await bucket.attributes(name, signal);
    const time = new Date(lastModifiedMs).toISOString();
    return text(JSON.stringify({ size, last_modified: time }), options.chunkAttributesTtlMs);
  }
  if (!metaPattern.test(name)) wrong(key);
  if (verb === "content")
    return { value: await bucket.get(name, signal), ttlMs: options.metaContentTtlMs };
  if (verb !== "exists") wrong(key);
  const there = await bucket.exists(name, signal);
  return text(String(there), there ? options.metaExistsTtlMs : options.metaMissingTtlMs);
}

/** The key under which it is known that what `key` asks for is missing; undefined if that says nothing. */
export function missingKey(key: string, error: unknown): string | undefined {
  return isNotFound(error) && key.startsWith("content:")
    ? `exists:${key.slice("content:".length)}`
    : undefined;
}
