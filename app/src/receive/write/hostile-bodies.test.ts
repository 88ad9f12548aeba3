// Changed bodies end in an error of the sender's or are stored as far as they make sense; nothing else happens.
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { decodeSnappyBlock } from "@deucalion/kernels";
import { RpcError } from "@deucalion/rpc";
import { LiveDatabase, liveDatabaseDefaults } from "@deucalion/tsdb";
import { conformanceMissing, conformanceRoot } from "@deucalion/tsdb/testing";
import { decodeOtlp } from "../../otlp/decode-otlp.ts";
import { ReceiveError } from "../errors.ts";
import { type DecodedWrite, decodeWriteV1, decodeWriteV2 } from "./decode-write.ts";
import { writeSeries } from "./write-series.ts";
import { decodeWriteRequest } from "./write-service.ts";

const rounds = 3000;

/** A small generator, so that a failure can be run again. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 4294967296) * below);
  };
}

function changed(body: Uint8Array, random: (below: number) => number): Uint8Array {
  const out = Uint8Array.from(body.subarray(0, random(8) === 0 ? random(body.length) : undefined));
  for (let i = random(6); i >= 0 && out.length > 0; i--) out[random(out.length)] = random(256);
  return out;
}

const otlp = { targetInfo: true, promoted: [] };
const decoders: Readonly<Record<string, (body: Uint8Array) => DecodedWrite["series"][]>> = {
  v1: (body) => [decodeWriteV1(body).series],
  v2: (body) => [decodeWriteV2(body).series],
  pb: (body) => [decodeOtlp(body, false, otlp).series],
  json: (body) => [decodeOtlp(body, true, otlp).series],
  grpc: (body) => decodeWriteRequest(body).parts.map(({ series }) => series),
};

test("changed bodies harm nothing", { skip: conformanceMissing }, async () => {
  const bodies: [string, Uint8Array][] = [];
  const writes = join(conformanceRoot, "wire/remote-write");
  for (const name of await readdir(writes)) {
    if (!name.endsWith(".body")) continue;
    const body = decodeSnappyBlock(await readFile(join(writes, name)), 1 << 24);
    bodies.push([name.slice(0, 2), body]);
    if (name.startsWith("v1")) bodies.push(["grpc", body]);
  }
  const requests = join(conformanceRoot, "wire/otlp");
  for (const name of await readdir(requests)) {
    const kind = /^cumulative.*\.(pb|json)$/.exec(name)?.[1];
    if (kind === undefined) continue;
    const body = await readFile(join(requests, name));
    bodies.push([kind, body[0] === 0x1f ? gunzipSync(body) : body]);
  }
  const dir = await mkdtemp(join(tmpdir(), "deucalion-hostile-"));
  const db = await LiveDatabase.open(
    dir,
    { ...liveDatabaseDefaults, outOfOrderWindowMs: 1e9, exemplarsMax: 100 },
    { now: () => 0, report: (damage) => assert.fail(damage.reason) },
  );
  try {
    const random = randomFrom(42);
    let refused = 0;
    for (let round = 0; round < rounds; round++) {
      const [kind, body] = bodies[random(bodies.length)]!;
      try {
        for (const series of decoders[kind]!(changed(body, random))) {
          writeSeries(db.head, series, { latestTime: 2e12, late: false });
        }
      } catch (error) {
        const known = error instanceof ReceiveError || error instanceof RpcError;
        assert.ok(known, `${kind} in round ${round}: ${(error as Error).stack}`);
        if (error instanceof ReceiveError) assert.notEqual(error.code, "RECEIVE_STORAGE");
        refused++;
      }
    }
    assert.ok(refused > rounds / 10 && db.head.seriesCount > 100);
  } finally {
    await db.close();
  }
  // What was stored is sound: the folder opens again.
  const again = await LiveDatabase.open(dir, liveDatabaseDefaults, {
    now: () => 0,
    report: (damage) => assert.fail(damage.reason),
  });
  await again.close();
  await rm(dir, { recursive: true });
});
