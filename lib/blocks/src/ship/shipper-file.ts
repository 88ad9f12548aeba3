// thanos.shipper.json: which local blocks are in the bucket. Prometheus reads it before it compacts.
import { open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { messageOf } from "@deucalion/base";
import { BlocksError } from "../errors.ts";

export const shipperFileName = "thanos.shipper.json";

/** The ids in the file; undefined if there is none. Throws BLOCKS_SHIP if it cannot be used. */
export async function readShipperFile(path: string): Promise<string[] | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw new BlocksError("BLOCKS_SHIP", `read ${path}: ${messageOf(cause)}`, {}, { cause });
  }
  let document: { version?: unknown; uploaded?: unknown } | null;
  try {
    document = JSON.parse(text) as typeof document;
  } catch (cause) {
    throw new BlocksError("BLOCKS_SHIP", `${path} is not JSON`, {}, { cause });
  }
  const { version, uploaded } = document ?? {};
  if (version !== 1)
    throw new BlocksError("BLOCKS_SHIP", `unexpected meta file version ${String(version)}`, {
      path,
    });
  if (uploaded === null || uploaded === undefined) return [];
  if (!Array.isArray(uploaded) || uploaded.some((id) => typeof id !== "string"))
    throw new BlocksError("BLOCKS_SHIP", `${path}: uploaded is not a list of ids`, { path });
  return uploaded as string[];
}

/** Replaces the file at once: it is the old or the new one, also after a crash. */
export async function writeShipperFile(path: string, uploaded: readonly string[]): Promise<void> {
  const document = { version: 1, uploaded: uploaded.length === 0 ? null : uploaded };
  await replaceFile(path, `${JSON.stringify(document, null, "\t")}\n`);
}

/** Writes beside, syncs, renames, and syncs the folder. */
async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`;
  const file = await open(temporary, "w", 0o644);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
