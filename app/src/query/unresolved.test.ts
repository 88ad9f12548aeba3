import assert from "node:assert/strict";
import { test } from "node:test";
import type { DnsLookup } from "@deucalion/storeapi";
import { WatchedResolver } from "./unresolved.ts";

test("WatchedResolver lists names without an address until they have one or are gone", async () => {
  let known: string[] = [];
  let now = 0;
  const any = () =>
    known.length === 0 ? Promise.reject(new Error("ENOTFOUND")) : Promise.resolve(known);
  const dns: DnsLookup = { any, v4: any, v6: any, srv: () => Promise.resolve([]) };
  const resolver = new WatchedResolver(
    dns,
    () => undefined,
    1000,
    () => now,
  );
  assert.deepEqual(await resolver.resolve(["a:1", "dns+b:2"]), ["a:1"]);
  assert.deepEqual(
    resolver.stores().map((s) => [s.address, s.unreachable]),
    [["dns+b:2", "no address was found for this name"]],
  );
  assert.equal(resolver.statuses()[0]!.state, "never");
  now = 2000;
  assert.deepEqual(resolver.stores(), []);
  await resolver.resolve(["dns+b:2"]);
  assert.equal(resolver.apis().length, 1);
  known = ["1.2.3.4"];
  assert.deepEqual(await resolver.resolve(["a:1", "dns+b:2"]), ["a:1", "1.2.3.4:2"]);
  assert.deepEqual(resolver.stores(), []);
});
