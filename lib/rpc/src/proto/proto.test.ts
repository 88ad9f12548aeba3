// Protobuf cursors and tables: numbers of all sizes, skipping, damage.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RpcError } from "../errors.ts";
import { enumField, mapField, messageField, repeated, scalarField } from "./field.ts";
import { defineMessage, type MessageType } from "./message-type.ts";
import { ProtoReader } from "./proto-reader.ts";
import { ProtoWriter } from "./proto-writer.ts";

interface Everything {
  i64: number;
  i32: number;
  u64: number;
  u32: number;
  s64: number;
  s32: number;
  flag: boolean;
  real: number;
  text: string;
  blob: Uint8Array;
  kind: number;
  inner?: Everything;
  list: Everything[];
  ints: number[];
  reals: number[];
  texts: string[];
  map: Map<string, { text: string }>;
  one?: string;
  two?: number;
}

const Inner = defineMessage<{ text: string }>("test.Inner", [scalarField(1, "text", "string")]);
const Kind = { name: "test.Kind", values: { A: 0, B: 1 }, json: "name" } as const;
const Everything: MessageType<Everything> = defineMessage<Everything>("test.Everything", [
  scalarField(1, "i64", "int64"),
  scalarField(2, "i32", "int32"),
  scalarField(3, "u64", "uint64"),
  scalarField(4, "u32", "uint32"),
  scalarField(5, "s64", "sint64"),
  scalarField(6, "s32", "sint32"),
  scalarField(7, "flag", "bool"),
  scalarField(8, "real", "double"),
  scalarField(9, "text", "string"),
  scalarField(10, "blob", "bytes"),
  enumField(11, "kind", Kind),
  messageField(12, "inner", () => Everything),
  repeated(messageField(13, "list", () => Everything)),
  repeated(scalarField(14, "ints", "int64")),
  repeated(scalarField(15, "reals", "double")),
  repeated(scalarField(16, "texts", "string")),
  mapField(17, "map", () => Inner),
  scalarField(18, "one", "string", { oneof: "choice" }),
  scalarField(1000, "two", "int64", { oneof: "choice" }),
]);

const safe = fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER });
const plus = (n: number) => (n === 0 ? 0 : n); // protobuf integers have no negative zero
const flat = {
  i64: safe.map(plus),
  i32: fc.integer().map(plus),
  u64: fc.maxSafeNat(),
  u32: fc.nat(),
  s64: fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 }).map(plus),
  s32: fc.integer().map(plus),
  flag: fc.boolean(),
  real: fc.double(),
  text: fc.string(),
  blob: fc.uint8Array(),
  kind: fc.constantFrom(0, 1, 7),
  ints: fc.array(safe.map(plus)),
  reals: fc.array(fc.double()),
  texts: fc.array(fc.string()),
  map: fc
    .array(fc.tuple(fc.string(), fc.record({ text: fc.string() }, { noNullPrototype: true })))
    .map((all) => new Map(all)),
};
const leaf = fc.record({ ...flat, list: fc.constant<Everything[]>([]) }, { noNullPrototype: true });
const tree = fc.record(
  { ...flat, list: fc.array(leaf, { maxLength: 3 }), inner: leaf, one: fc.string() },
  {
    requiredKeys: [...(Object.keys(flat) as (keyof typeof flat)[]), "list"],
    noNullPrototype: true,
  },
);

test("whatever is written is read again", () => {
  fc.assert(
    fc.property(tree, (value) => {
      assert.deepEqual({ ...Everything.decode(Everything.encode(value)) }, { ...value });
    }),
    { numRuns: 200, includeErrorInReport: true },
  );
});

test("a sub-message that ends at the end of the writer's memory keeps its bytes", () => {
  for (let before = 200; before < 256; before++) {
    const out = new ProtoWriter(256);
    out.raw(new Uint8Array(before));
    const mark = out.open(1);
    for (let i = 0; i < 8; i++) out.raw(Uint8Array.of(i + 1));
    out.close(mark);
    assert.deepEqual([...out.view().subarray(before)], [10, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
  }
});

test("64-bit numbers keep their value up to the rounding of a double", () => {
  const values = [
    0,
    1,
    127,
    128,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    2 ** 62,
    2 ** 63 - 1024,
    -1,
    -128,
    -(2 ** 31),
    -(2 ** 53),
    -(2 ** 63),
  ];
  for (const value of values) {
    const out = new ProtoWriter();
    out.svarint(value);
    assert.equal(new ProtoReader(out.view()).svarint(), value);
  }
  const out = new ProtoWriter();
  out.svarint(2 ** 63);
  assert.deepEqual([...out.view()], [255, 255, 255, 255, 255, 255, 255, 255, 127]);
});

test("unknown fields are skipped, the last of a oneof wins", () => {
  const out = new ProtoWriter();
  for (const wire of [0, 1, 5]) {
    out.tag(500 + wire, wire);
    for (let i = 0; i < { 0: 1, 1: 8, 5: 4 }[wire as 0 | 1 | 5]; i++) out.raw(Uint8Array.of(1));
  }
  out.bytes(600, Uint8Array.of(1, 2, 3));
  out.string(18, "first");
  out.tag(1000, 0);
  out.svarint(5);
  const got = Everything.decode(out.view());
  assert.equal(got.one, undefined);
  assert.equal(got.two, 5);
});

test("cut-off and damaged messages throw RPC_PROTO and nothing else", () => {
  fc.assert(
    fc.property(
      tree,
      fc.nat(),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 5 }),
      (value, cut, damage) => {
        const data = Everything.encode(value);
        for (const [at, byte] of damage) data[at % data.length] = byte;
        try {
          Everything.decode(data.subarray(0, cut % (data.length + 1)));
        } catch (error) {
          assert.ok(error instanceof RpcError && error.code === "RPC_PROTO", String(error));
        }
      },
    ),
    { numRuns: 500 },
  );
});

test("absurd lengths, endless nesting and groups are refused without allocating", () => {
  const refused = { code: "RPC_PROTO" };
  assert.throws(
    () => Everything.decode(Uint8Array.of(0x4a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)),
    refused,
  );
  assert.throws(() => Everything.decode(Uint8Array.of(0x0b)), refused);
  assert.throws(() => Everything.decode(new Uint8Array(20).fill(0xff)), refused);
  let nested = new Uint8Array(0);
  for (let i = 0; i < 100; i++) {
    const out = new ProtoWriter();
    out.bytes(12, nested);
    nested = out.finish() as Uint8Array<ArrayBuffer>;
  }
  assert.throws(() => Everything.decode(nested), refused);
});
