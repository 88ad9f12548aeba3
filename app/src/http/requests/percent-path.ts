// Paths whose %XX are not all UTF-8: Go's servers route them, JavaScript's decoders throw.

const escaped = /(?:%[0-9a-fA-F]{2})+/g;

/** The path with U+FFFD for what is not UTF-8 in it; all else as it is. */
export function readablePath(path: string): string {
  return path.replace(escaped, (run) =>
    encodeURIComponent(Buffer.from(run.replaceAll("%", ""), "hex").toString()),
  );
}

/** The bytes of a path's segment with its %XX decoded. */
export function segmentBytes(segment: string): Buffer {
  const bytes = segment.replace(escaped, (run) =>
    Buffer.from(run.replaceAll("%", ""), "hex").toString("latin1"),
  );
  return Buffer.from(bytes, "latin1");
}
