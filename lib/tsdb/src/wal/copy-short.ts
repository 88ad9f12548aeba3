// Copies names and values: a few bytes, for which a call of the engine's own copying takes longer than copying.

/** How many bytes `copyShort` may read and write behind those that it copies. */
export const copyShortSpare = 3;

/** Copies `length` bytes, four a step: both sides have `copyShortSpare` bytes more, of which those in `to` are lost. */
export function copyShort(
  from: DataView,
  at: number,
  to: DataView,
  place: number,
  length: number,
): void {
  for (let i = 0; i < length; i += 4) to.setInt32(place + i, from.getInt32(at + i));
}
