// Finds the conformance data beside the repository: real blocks and what they must decode to.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

/** `../shared/conformance`, seen from the root of the repository. */
export const conformanceRoot = fileURLToPath(
  new URL("../../../../../../shared/conformance", import.meta.url),
);

/** Why tests over conformance data cannot run, or false. */
export const conformanceMissing: string | false = existsSync(conformanceRoot)
  ? false
  : "no conformance data beside the repository";

export interface ConformanceBlock {
  /** Short name for tests. */
  readonly name: string;
  readonly dir: string;
  /** Gzipped JSON lines. */
  readonly expected: string;
}

const ulid = /01[0-9A-HJKMNP-TV-Z]{24}/;

/** Every block that has an expected file. */
export function conformanceBlocks(): ConformanceBlock[] {
  if (conformanceMissing !== false) return [];
  const root = join(conformanceRoot, "blocks");
  const found: ConformanceBlock[] = [];
  const walk = (folder: string): void => {
    const names = readdirSync(folder);
    for (const name of names) {
      const path = join(folder, name);
      if (statSync(path).isDirectory()) {
        if (name !== "chunks") walk(path);
        continue;
      }
      if (!/^expected.*\.jsonl\.gz$/.test(name)) continue;
      const id = ulid.exec(name)?.[0] ?? names.find((other) => ulid.test(other))!;
      const dir = ["", "bucket", "input", "output"]
        .map((part) => join(folder, part, id))
        .find((candidate) => existsSync(candidate));
      if (dir !== undefined) found.push({ name: dir.slice(root.length + 1), dir, expected: path });
    }
  };
  walk(root);
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Lines of a gzipped file of JSON lines, not parsed yet. */
export function readGzippedLines(path: string): string[] {
  return gunzipSync(readFileSync(path)).toString("utf8").trimEnd().split("\n");
}
