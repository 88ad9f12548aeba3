// Index-headers: bytes equal to Thanos', lookups equal to what the index holds, damage noticed.
import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { FilesystemBucket } from "@deucalion/objstore";
import { FaultyBucket } from "@deucalion/objstore/testing";
import { BlocksError } from "../errors.ts";
import { IndexHeader } from "./index-header.ts";
import { PageCache } from "./page-cache.ts";
import { PostingsRanges } from "./postings-ranges.ts";
import { writeIndexHeader } from "./write-index-header.ts";

const conformance = fileURLToPath(
  new URL("../../../../../../shared/conformance/", import.meta.url),
);
const never = new AbortController().signal;
const folder = await mkdtemp(join(tmpdir(), "index-header-"));
after(() => rm(folder, { recursive: true }));

const blocks = [
  ["floats", "01M8375VVW230CAA6DG5BVHZ6Z"],
  ["hist", "01M8375WKA858HFN2MWHN70N0Y"],
] as const;

for (const [name, id] of blocks) {
  test(`writeIndexHeader() writes the bytes that Thanos writes: ${name}`, async () => {
    const bucket = new FaultyBucket(new FilesystemBucket(join(conformance, "blocks", name)));
    const path = join(folder, id, "index-header");
    await writeIndexHeader(bucket, id, path, never);
    const want = await readFile(join(conformance, "wire/index-header", `${id}.index-header`));
    assert.ok(want.equals(await readFile(path)));
    assert.ok(bucket.reads <= 3, `${bucket.reads} range reads`);
  });
}

test("IndexHeader finds names, values, lists and symbols", async () => {
  const id = "01M8375VVW230CAA6DG5BVHZ6Z";
  const path = join(conformance, "wire/index-header", `${id}.index-header`);
  const header = await IndexHeader.open(path, new PageCache(1 << 20));
  try {
    const { postings, symbols } = header;
    const names = postings.labelNames();
    assert.ok(names.includes("__name__"));
    const index = new Uint8Array(await readFile(join(conformance, "blocks/floats", id, "index")));
    const view = new DataView(index.buffer);
    let lists = 0;
    for (const name of names) {
      const values = postings.labelValues(name);
      assert.equal(values.length, postings.valueCount(name));
      const all = new PostingsRanges();
      postings.rangesOf(name, values, all);
      assert.equal(all.count, values.length);
      lists += all.count;
      for (const [i, value] of values.entries()) {
        const one = new PostingsRanges();
        postings.rangesOf(name, ["", value, "\u{10ffff}"], one);
        assert.deepEqual([one.starts[0], one.ends[0]], [all.starts[i], all.ends[i]]);
        // Length, number of entries, and checksum fill the range exactly.
        assert.equal(view.getUint32(one.starts[0]!) + 8, one.ends[0]! - one.starts[0]!);
        const found: string[] = [];
        postings.scan(name, value, (other) => found.push(other) > 0);
        assert.deepEqual(
          found,
          values.filter((other) => other.startsWith(value)),
        );
      }
      const none = new PostingsRanges();
      postings.rangesOf(name, ["nope", "zzzz"], none);
      assert.equal(none.count, 0);
    }
    assert.ok(lists > 100);
    assert.ok(postings.allPostings().end > postings.allPostings().start);
    const text = new TextDecoder();
    let before = Buffer.alloc(0);
    for (let i = 0; i < symbols.count; i++) {
      const symbol = Buffer.from(symbols.bytes(i));
      if (i > 0) assert.ok(Buffer.compare(before, symbol) < 0);
      before = symbol;
    }
    assert.throws(() => symbols.bytes(symbols.count), { code: "BLOCKS_INDEX" });
    assert.ok(names.some((name) => text.decode(symbols.bytes(1)) <= name));
  } finally {
    header.close();
  }
});

test("IndexHeader.open() refuses a file with any changed byte", async () => {
  const id = "01M8375WKA858HFN2MWHN70N0Y";
  const good = await readFile(join(conformance, "wire/index-header", `${id}.index-header`));
  const path = join(folder, "mutated");
  const cache = new PageCache(1 << 20);
  for (let at = 0; at < good.length; at++) {
    // The version of the index is the one byte that nothing covers.
    if (at === 5) continue;
    const bad = Buffer.from(good);
    bad[at] = bad[at]! ^ 0x55;
    await writeFile(path, bad);
    try {
      (await IndexHeader.open(path, cache)).close();
    } catch (error) {
      assert.ok(error instanceof BlocksError, String(error));
      continue;
    }
    assert.fail(`a change at ${at} of ${good.length} was not noticed`);
  }
  for (const length of [0, 5, 20, 40, good.length - 1]) {
    await writeFile(path, good.subarray(0, length));
    await assert.rejects(IndexHeader.open(path, cache), BlocksError);
  }
});

test("writeIndexHeader() refuses damaged indexes and leaves no file", async () => {
  const id = "01M837ZEQ7W14FAZ3SWX1S1BGR";
  const cases: Record<string, RegExp> = {
    "index-truncated": /read TOC: invalid checksum/,
    "index-bad-toc-crc": /read TOC: invalid checksum/,
    "index-bad-magic": /invalid magic number/,
    "index-bad-symbol-byte": /read symbols: invalid checksum/,
    "index-missing": /does not exist/,
  };
  for (const [name, message] of Object.entries(cases)) {
    const copy = join(folder, name);
    await mkdir(copy);
    await cp(join(conformance, "blocks/damaged", name), copy, { recursive: true });
    const path = join(copy, "header");
    await assert.rejects(writeIndexHeader(new FilesystemBucket(copy), id, path, never), {
      message,
    });
    await assert.rejects(readFile(path), { code: "ENOENT" });
    await assert.rejects(readFile(`${path}.tmp`), { code: "ENOENT" });
  }
});
