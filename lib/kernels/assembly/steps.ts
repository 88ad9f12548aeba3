// AssemblyScript: samples looked up at the steps of a query, columns in the module's memory. Needs no memory of its own.
// Built by tools/assembly.mjs; the twin in TypeScript is lookUpFloats of the PromQL engine's instant selector.

/** Bits of the NaN that says that a series has ended. */
const stale: u64 = 0x7ff0000000000002;

/**
 * At each of `steps` times, `stepMs` apart from `firstMs` on: the last sample at or before it, if it is younger than
 * `lookbackMs` and no stale marker. Its value goes to `out`, and 1 or 0 to `present`. Returns how many there are.
 */
export function lookUp(
  times: usize,
  values: usize,
  count: u32,
  firstMs: f64,
  stepMs: f64,
  lookbackMs: f64,
  steps: u32,
  out: usize,
  present: usize,
): u32 {
  const end = times + (<usize>count << 3);
  // From a time to the value of the sample before it.
  const toValue = values - times - 8;
  let next = times;
  let found: u32 = 0;
  for (let i: u32 = 0; i < steps; i++) {
    const at = firstMs + <f64>i * stepMs;
    while (next < end && load<f64>(next) <= at) next += 8;
    let is: u32 = 0;
    if (next !== times && load<f64>(next - 8) > at - lookbackMs) {
      const bits = load<u64>(next + toValue);
      store<u64>(out + (<usize>i << 3), bits);
      is = <u32>(bits !== stale);
    }
    store<u8>(present + <usize>i, <u8>is);
    found += is;
  }
  return found;
}
