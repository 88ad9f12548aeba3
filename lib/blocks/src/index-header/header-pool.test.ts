// Open index-headers: closed when idle or too many, never while they are used.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Matcher } from "@deucalion/model";
import { conformance, never, openFolder } from "../testing/conformance.ts";
import { headersBeyond } from "./header-files.ts";
import { HeaderPool, type PooledHeader } from "./header-pool.ts";

class Header implements PooledHeader {
  readonly headerBytes: number;
  busy = false;
  open = true;

  constructor(headerBytes: number) {
    this.headerBytes = headerBytes;
  }

  closeIfIdle(): boolean {
    if (this.busy) return false;
    this.open = false;
    return true;
  }
}

function pool(openMax: number, memoryMax: number, idleMs = 0) {
  const clock = { now: 0, closed: 0 };
  const events = {
    opened: () => undefined,
    made: () => undefined,
    closed: () => void clock.closed++,
  };
  const made = new HeaderPool({ openMax, memoryMax, idleMs }, { now: () => clock.now, events });
  return { pool: made, clock };
}

test("HeaderPool closes what was used longest ago when there are too many", () => {
  const { pool: headers, clock } = pool(2, 1000);
  const [a, b, c] = [new Header(1), new Header(1), new Header(1)];
  headers.add(a);
  headers.add(b);
  headers.used(a);
  assert.equal(headers.hasRoom, false);
  headers.add(c);
  assert.deepEqual([a.open, b.open, c.open], [true, false, true]);
  assert.equal(clock.closed, 1);
  a.busy = c.busy = true;
  const d = new Header(1);
  headers.add(d);
  assert.deepEqual([a.open, c.open, d.open], [true, true, true]);
  assert.equal(headers.size, 3);
});

test("HeaderPool bounds memory, and forgets what others closed", () => {
  const { pool: headers } = pool(100, 100);
  const all = [40, 40, 30, 60].map((bytes) => new Header(bytes));
  for (const header of all.slice(0, 2)) headers.add(header);
  headers.remove(all[0]!);
  assert.equal(headers.hasRoom, true);
  headers.add(all[2]!);
  headers.add(all[3]!);
  assert.deepEqual(
    all.map(({ open }) => open),
    [true, false, true, true],
  );
});

test("HeaderPool closes what is idle", () => {
  const { pool: headers, clock } = pool(100, 100, 50);
  const [a, b] = [new Header(1), new Header(1)];
  headers.add(a);
  clock.now = 30;
  headers.add(b);
  headers.sweep();
  clock.now = 60;
  headers.sweep();
  assert.deepEqual([a.open, b.open], [false, true]);
  clock.now = 80;
  b.busy = true;
  headers.sweep();
  assert.equal(b.open, true);
});

test("headersBeyond() gives up what is used least", () => {
  const sizes = new Map([
    ["a", 10],
    ["b", 10],
    ["c", 10],
    ["old", 5],
  ]);
  assert.deepEqual(headersBeyond(sizes, ["b", "gone", "a"], 100), []);
  assert.deepEqual(headersBeyond(sizes, ["b", "gone", "a"], 20), ["c", "old"]);
  assert.deepEqual(headersBeyond(sizes, ["b", "gone", "a", "c"], 10), ["a", "c", "old"]);
});

test("a source with room for one header answers as one with room for all", async () => {
  const folder = join(conformance, "blocks/compaction/input");
  const opened = await openFolder(folder);
  const small = await openFolder(folder, {}, undefined, {
    pool: new HeaderPool({ openMax: 1, memoryMax: 1 << 30, idleMs: 0 }),
  });
  const request = {
    minTime: Number.MIN_SAFE_INTEGER,
    maxTime: Number.MAX_SAFE_INTEGER,
    matchers: [new Matcher("=~", "__name__", ".+")],
  };
  const count = async ({ source }: typeof opened): Promise<[number, number]> => {
    let series = 0;
    let chunks = 0;
    for await (const batch of source.series(request, { signal: never, warn: assert.fail })) {
      series += batch.seriesCount;
      chunks += batch.chunks!.chunkCount;
    }
    return [series, chunks];
  };
  const open = ({ source }: typeof opened): number =>
    [...source.blocks.values()].filter(({ isOpen }) => isOpen).length;
  try {
    const expected = await count(opened);
    assert.ok(expected[1] > 0);
    assert.deepEqual(await count(small), expected);
    assert.deepEqual(await count(small), expected);
    assert.deepEqual([open(opened), open(small)], [opened.source.blocks.size, 1]);
    const names = await small.source.labelValues(
      "__name__",
      { ...request, partialResponse: "abort" },
      { signal: never, warn: assert.fail },
    );
    assert.ok(names.length > 0);
    for (const block of small.source.blocks.values()) await block.prepare();
    assert.equal(open(small), 1);
  } finally {
    await opened.close();
    await small.close();
  }
});
