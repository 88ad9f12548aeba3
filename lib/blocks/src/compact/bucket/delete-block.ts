// Removes a block: meta.json first, so that nobody begins to read it; its deletion mark last, so that a deletion that
// was cut off is taken up again.
import { type Bucket, isNotFound } from "@deucalion/objstore";
import { eachLimited } from "../../each-limited.ts";
import { deletionMarkFile } from "../../meta/markers.ts";

const deletesAtOnce = 8;

/** Deletes all objects of a block. */
export async function deleteBlock(bucket: Bucket, id: string, signal: AbortSignal): Promise<void> {
  const remove = async (name: string): Promise<void> => {
    await bucket.delete(name, signal).catch((thrown: unknown) => {
      if (!isNotFound(thrown)) throw thrown;
    });
  };
  const meta = `${id}/meta.json`;
  const mark = `${id}/${deletionMarkFile}`;
  const names: string[] = [];
  for await (const { name } of bucket.iter(`${id}/`, { recursive: true }, signal)) names.push(name);
  if (names.includes(meta)) await remove(meta);
  const others = names.filter((name) => name !== meta && name !== mark);
  await eachLimited(others, deletesAtOnce, remove);
  if (names.includes(mark)) await remove(mark);
}
