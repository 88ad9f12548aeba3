// Bodies of answers: whole, broken, hanging, given up; and the memory that ranges are read into.
import assert from "node:assert/strict";
import { PassThrough, Readable } from "node:stream";
import { test } from "node:test";
import { openBucket, parseBucketConfig } from "../config/bucket-config.ts";
import { startStandIn } from "../testing/stand-in-store.ts";
import { readBody } from "./read-body.ts";

const hangMs = 60_000;
const { signal: never } = new AbortController();

/** Reads `body` as text. */
async function text(
  body: AsyncIterable<Uint8Array>,
  timeoutMs = hangMs,
  signal = never,
): Promise<string> {
  let all = "";
  await readBody(body, timeoutMs, signal, (piece) => {
    all += Buffer.from(piece).toString();
  });
  return all;
}

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const piece of texts) yield Buffer.from(piece);
}

test("readBody() gives the pieces of streams and of other bodies", async () => {
  assert.equal(await text(Readable.from(pieces("one ", "two"))), "one two");
  assert.equal(await text(pieces("one ", "two")), "one two");
  assert.equal(await text(Readable.from(pieces())), "");
});

test("readBody() throws what broke a stream, once and for all", async () => {
  const broken = new PassThrough();
  const reading = text(broken);
  broken.write("some");
  broken.destroy(new Error("reset"));
  await assert.rejects(reading, /reset/);
  await assert.rejects(text(broken), /reset/, "broken before it was read");
  const closed = new PassThrough();
  const cut = text(closed);
  closed.destroy();
  await assert.rejects(cut, /closed/);
});

test("readBody() gives up what brings nothing, and what nobody wants any more", async () => {
  const silent = new PassThrough();
  await assert.rejects(text(silent, 20), /nothing arrived for 20 ms/);
  // A body that is dropped may fail once more: nobody is told.
  silent.destroy(new Error("later"));
  const stop = new AbortController();
  const left = new PassThrough();
  const reading = text(left, hangMs, stop.signal);
  const reason = new Error("enough");
  stop.abort(reason);
  await assert.rejects(reading, reason);
  await assert.rejects(text(new PassThrough(), hangMs, stop.signal), reason);
  left.destroy();
});

test("getRange() of a store over HTTP reads into the memory it is given, also where a body breaks off", async () => {
  const data = Buffer.from(Array.from({ length: 5000 }, (_, i) => i & 255));
  const asked: string[] = [];
  const store = await startStandIn((request, _, __, response) => {
    const [from = 0, to = 0] = (/bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "") ?? [])
      .slice(1)
      .map(Number);
    asked.push(`${from}-${to}`);
    const part = data.subarray(from, to + 1);
    response.writeHead(206, { "content-length": part.length, etag: "1" });
    if (asked.length > 1) return void response.end(part);
    response.write(part.subarray(0, 1000), () => response.destroy());
  });
  const bucket = openBucket(
    parseBucketConfig({
      type: "S3",
      config: {
        ...{ bucket: "b", endpoint: store.url.slice("http://".length), insecure: true },
        ...{ access_key: "id", secret_key: "secret" },
      },
    }),
  );
  try {
    const memory = new Uint8Array(4000);
    const got = await bucket.getRange("o", 500, 4000, never, (length) => {
      assert.equal(length, 4000);
      return memory;
    });
    assert.equal(got, memory);
    assert.deepEqual(Buffer.from(got), data.subarray(500, 4500));
    assert.deepEqual(asked, ["500-4499", "1500-4499"]);
  } finally {
    await bucket.close();
    store.close();
  }
});
