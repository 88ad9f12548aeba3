// The snappy framing format, good and bad.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RpcError } from "../errors.ts";
import { decodeSnappyStream, encodeSnappyStream } from "./snappy-stream.ts";

test("messages of all sizes survive compression", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 3000 }),
      fc.integer({ min: 0, max: 80 }),
      (part, times) => {
        const message = new Uint8Array(part.length * times);
        for (let i = 0; i < times; i++) message.set(part, i * part.length);
        assert.deepEqual(
          new Uint8Array(decodeSnappyStream(encodeSnappyStream(message), 1 << 24)),
          message,
        );
      },
    ),
    { numRuns: 100 },
  );
});

test("damage of any kind is RPC_SNAPPY, and a bomb stops at the limit", () => {
  const message = new Uint8Array(200_000).map((_, i) => i >> 9);
  const good = encodeSnappyStream(message);
  assert.throws(() => decodeSnappyStream(good, 100_000), { code: "RPC_MESSAGE_SIZE" });
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, byte, cut) => {
      const bad = good.slice(0, cut);
      if (at < cut) bad[at] = byte;
      try {
        decodeSnappyStream(bad, 1 << 24);
      } catch (error) {
        assert.ok(error instanceof RpcError && error.code === "RPC_SNAPPY", String(error));
      }
    }),
    { numRuns: 1000 },
  );
  assert.throws(() => decodeSnappyStream(Uint8Array.of(1, 2, 3), 10), { code: "RPC_SNAPPY" });
});
