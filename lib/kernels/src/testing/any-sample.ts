// Arbitrary samples for properties of chunks.
import fc from "fast-check";

/** Milliseconds from one sample to the next: even, jittering, and odd ones. */
export const anyStep = fc.oneof(
  fc.constantFrom(0, 15_000),
  fc.integer({ min: 14_990, max: 15_010 }),
  fc.integer({ min: 0, max: 200_000 }),
  fc.integer({ min: 0, max: 2 ** 40 }),
);
const word = fc.integer().map((n) => n >>> 0);
/** The two halves of a float's bits, the lower one first: any number, and the odd values. */
export const anyValueBits = fc.oneof(
  fc.double().map((n) => [...new Uint32Array(Float64Array.of(n).buffer)] as [number, number]),
  fc
    .integer({ min: 0, max: 9 })
    .map((n) => [...new Uint32Array(Float64Array.of(n).buffer)] as [number, number]),
  fc.constantFrom<[number, number]>([2, 0x7ff00000], [1, 0x7ff80000], [0, 0x80000000]),
  fc.tuple(word, word),
);
