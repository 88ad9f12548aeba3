// The order of strings in Go.

/** Orders strings by their bytes, as Go sorts the keys of maps. */
export function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
