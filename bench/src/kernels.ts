// Decoding and encoding of XOR chunks, on one core.
import { measureXor } from "@deucalion/kernels/testing";
import type { Workload } from "./workload.ts";

export const kernels: Workload = {
  name: "kernels",
  about: "XOR chunks, 2,000 of 120 samples, 15 s ± 5 ms apart, one core",
  run: async (rounds) =>
    (["counter", "gauge", "constant"] as const).flatMap((kind) => {
      const { decode, encode } = measureXor(kind, 3 + 2 * rounds, () => performance.now());
      return [
        { name: `decode ${kind}`, value: decode, unit: "M samples/s" },
        { name: `encode ${kind}`, value: encode, unit: "M samples/s" },
      ];
    }),
};
