// The suite that every bucket provider must pass.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Bucket, ListOptions } from "../bucket.ts";
import { isNotFound, ObjstoreError } from "../errors.ts";

const never = new AbortController().signal;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array): string => new TextDecoder().decode(data);

async function names(bucket: Bucket, prefix: string, options: ListOptions): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of bucket.iter(prefix, options, never)) found.push(entry.name);
  return found;
}

async function* pieces(...parts: string[]): AsyncIterable<Uint8Array> {
  for (const part of parts) yield bytes(part);
}

/** Registers the tests. `makeBucket` gives an empty bucket and how to remove it. */
export function bucketAcceptance(
  name: string,
  makeBucket: () => Promise<{ bucket: Bucket; remove: () => Promise<void> }>,
): void {
  const check = (title: string, run: (bucket: Bucket) => Promise<void>): void => {
    test(`${name}: ${title}`, async () => {
      const { bucket, remove } = await makeBucket();
      try {
        await run(bucket);
      } finally {
        await bucket.close();
        await remove();
      }
    });
  };

  check("get() gives what upload() took, from bytes, a file and a stream", async (bucket) => {
    const folder = await mkdtemp(join(tmpdir(), "bucket-acceptance-"));
    try {
      await writeFile(join(folder, "x"), "from a file");
      await bucket.upload("a/bytes", bytes("from bytes"), {}, never);
      await bucket.upload("a/file", { path: join(folder, "x") }, {}, never);
      await bucket.upload("a/stream", pieces("from ", "a ", "stream"), {}, never);
      await bucket.upload("a/final", { path: join(folder, "x"), final: true }, {}, never);
    } finally {
      await rm(folder, { recursive: true });
    }
    const got = ["bytes", "file", "stream", "final"].map(async (n) =>
      text(await bucket.get(`a/${n}`, never)),
    );
    assert.deepEqual(await Promise.all(got), [
      "from bytes",
      "from a file",
      "from a stream",
      "from a file",
    ]);
    await bucket.upload("a/bytes", bytes("replaced"), {}, never);
    assert.equal(text(await bucket.get("a/bytes", never)), "replaced");
  });

  check("stream() gives the whole object", async (bucket) => {
    const data = new Uint8Array(3_000_001).map((_, i) => i % 251);
    await bucket.upload("big", data, {}, never);
    const parts: Uint8Array[] = [];
    for await (const piece of bucket.stream("big", never)) parts.push(piece);
    assert.ok(Buffer.from(data).equals(Buffer.concat(parts)));
  });

  check("getRange() is cut only by the end of the object", async (bucket) => {
    await bucket.upload("o", bytes("0123456789"), {}, never);
    assert.equal(text(await bucket.getRange("o", 2, 3, never)), "234");
    assert.equal(text(await bucket.getRange("o", 8, 10, never)), "89");
    assert.equal(text(await bucket.getRange("o", 0, 0, never)), "");
    assert.equal(text(await bucket.getRange("o", 10, 5, never)), "");
    assert.equal(text(await bucket.getRange("o", 50, 5, never)), "");
  });

  check("missing objects are not found", async (bucket) => {
    await bucket.upload("folder/o", bytes("x"), {}, never);
    assert.equal(await bucket.exists("nope", never), false);
    assert.equal(await bucket.exists("folder", never), false);
    assert.equal(await bucket.exists("folder/o", never), true);
    for (const missing of ["nope", "folder", "folder/o/x"]) {
      await assert.rejects(bucket.get(missing, never), isNotFound);
      await assert.rejects(bucket.getRange(missing, 0, 1, never), isNotFound);
      await assert.rejects(bucket.attributes(missing, never), isNotFound);
      await assert.rejects(bucket.delete(missing, never), (e) => e instanceof ObjstoreError);
    }
  });

  check("attributes() gives the size and a time", async (bucket) => {
    await bucket.upload("o", bytes("12345"), {}, never);
    const { size, lastModifiedMs } = await bucket.attributes("o", never);
    assert.equal(size, 5);
    assert.ok(lastModifiedMs > 0);
  });

  check("iter() lists a level or everything, in byte order", async (bucket) => {
    for (const n of ["b/2", "b/1/x", "a", "b-", "c/d/e/f", "é", "b0"])
      await bucket.upload(n, bytes(n), {}, never);
    assert.deepEqual(await names(bucket, "", {}), ["a", "b-", "b/", "b0", "c/", "é"]);
    assert.deepEqual(await names(bucket, "b", {}), ["b/1/", "b/2"]);
    assert.deepEqual(await names(bucket, "b/", {}), ["b/1/", "b/2"]);
    assert.deepEqual(await names(bucket, "nope", {}), []);
    const all = ["a", "b-", "b/1/x", "b/2", "b0", "c/d/e/f", "é"];
    assert.deepEqual(await names(bucket, "", { recursive: true }), all);
    assert.deepEqual(await names(bucket, "c/", { recursive: true }), ["c/d/e/f"]);
  });

  check("delete() leaves no folders behind", async (bucket) => {
    await bucket.upload("x/y/z", bytes("1"), {}, never);
    await bucket.upload("x/w", bytes("2"), {}, never);
    await bucket.delete("x/y/z", never);
    assert.deepEqual(await names(bucket, "x", {}), ["x/w"]);
    await bucket.delete("x/w", never);
    assert.deepEqual(await names(bucket, "", {}), []);
  });

  check("upload() with ifAbsent keeps what is there", async (bucket) => {
    if (!bucket.conditionalCreate) return;
    await bucket.upload("o", bytes("first"), { ifAbsent: true }, never);
    await assert.rejects(
      bucket.upload("o", bytes("second"), { ifAbsent: true }, never),
      (e) => e instanceof ObjstoreError && e.code === "OBJSTORE_EXISTS",
    );
    assert.equal(text(await bucket.get("o", never)), "first");
    assert.deepEqual(await names(bucket, "", {}), ["o"]);
  });

  check("an upload that fails leaves nothing", async (bucket) => {
    const broken = async function* (): AsyncIterable<Uint8Array> {
      yield bytes("half");
      throw new Error("source failed");
    };
    await assert.rejects(bucket.upload("o", broken(), {}, never));
    assert.equal(await bucket.exists("o", never), false);
    assert.deepEqual(await names(bucket, "", { recursive: true }), []);
  });

  check("names may not leave the bucket", async (bucket) => {
    for (const bad of ["", "/etc/x", "../x", "a/../../x", "a//b", "a/", "a\0b"]) {
      await assert.rejects(
        bucket.upload(bad, bytes("x"), {}, never),
        (e) => e instanceof ObjstoreError && e.code === "OBJSTORE_NAME",
      );
    }
  });

  check("an aborted signal stops every call", async (bucket) => {
    await bucket.upload("o", bytes("x"), {}, never);
    const aborted = AbortSignal.abort(new Error("stop"));
    const stops = { message: "stop" };
    await assert.rejects(bucket.get("o", aborted), stops);
    await assert.rejects(bucket.getRange("o", 0, 1, aborted), stops);
    await assert.rejects(bucket.attributes("o", aborted), stops);
    await assert.rejects(bucket.exists("o", aborted), stops);
    await assert.rejects(bucket.upload("p", bytes("x"), {}, aborted), stops);
    await assert.rejects(bucket.delete("o", aborted), stops);
    await assert.rejects(async () => {
      for await (const _ of bucket.iter("", {}, aborted)) assert.fail();
    }, stops);
  });
}
