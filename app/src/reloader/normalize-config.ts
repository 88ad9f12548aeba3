// What the reloader does with Prometheus' configuration: unpack it, fill in the environment, write it out.
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { expandEnv } from "../flags/config-text.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Reads `input`, unpacks gzip, replaces `$(NAME)`, and replaces `output` at once. Throws for a variable that is not set. */
export async function normalizeConfig(input: string, output: string, env: Env): Promise<void> {
  let data: Buffer = await readFile(input);
  if (data[0] === 0x1f && data[1] === 0x8b && data[2] === 8) data = gunzipSync(data);
  const text = expandEnv(data.toString("utf8"), env);
  // Written only where it differs, or the watcher of its folder would see a change each time it looks.
  if ((await readFile(output, "utf8").catch(() => undefined)) === text) return;
  const temporary = `${output}.tmp`;
  try {
    await writeFile(temporary, text, { mode: 0o644 });
    await rename(temporary, output);
  } finally {
    await rm(temporary, { force: true });
  }
}
