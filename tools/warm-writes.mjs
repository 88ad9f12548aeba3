// Remote write for making the code cache of a receiver: some series, sample after sample.

function varint(value) {
  const out = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) | 128);
  out.push(rest);
  return out;
}

const field = (number, bytes) => [number * 8 + 2, ...varint(bytes.length), ...bytes];
const label = (name, value) =>
  field(1, [...field(1, Buffer.from(name)), ...field(2, Buffer.from(value))]);

/** One `TimeSeries` with one sample. */
function series(labels, value, time) {
  const bytes = new Uint8Array(new Float64Array([value]).buffer);
  const sample = field(2, [0x09, ...bytes, 0x10, ...varint(time)]);
  return field(1, [...labels.flatMap(([name, text]) => label(name, text)), ...sample]);
}

/** A snappy block of nothing but literals of up to 2^16 bytes. */
function snappy(bytes) {
  const out = varint(bytes.length);
  for (let at = 0; at < bytes.length; at += 65_536) {
    const part = bytes.slice(at, at + 65_536);
    out.push(61 << 2, (part.length - 1) & 255, (part.length - 1) >> 8, ...part);
  }
  return Uint8Array.from(out);
}

/** Sends `rounds` requests with the same series, 15 s apart and ending at `end` (ms). */
export async function writeSeries(port, rounds, end) {
  for (let round = 0; round < rounds; round++) {
    const body = [];
    for (let i = 0; i < 50; i++) {
      const labels = [
        ["__name__", `warm_${i % 10}_total`],
        ["instance", `10.0.0.${Math.floor(i / 10)}:9100`],
        ["job", "warm"],
        ["text", i % 25 === 0 ? "long".repeat(40) : `${i}`],
      ];
      const time = end - (rounds - 1 - round) * 15_000;
      body.push(...series(labels, i % 3 === 0 ? i : Math.sin(round * i), time));
    }
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/receive`, {
      method: "POST",
      headers: { "Content-Encoding": "snappy", "Content-Type": "application/x-protobuf" },
      body: snappy(body),
    });
    await response.arrayBuffer();
  }
}
