// Prometheus file_sd: files with lists of targets, found by globs, read again when they change.
import { readdir, readFile, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { messageOf } from "@deucalion/base";

export interface FileTargetsDeps {
  readonly parseYaml: (text: string) => unknown;
  readonly warn: (message: string) => void;
}

function globPart(part: string): RegExp {
  let text = "";
  for (let i = 0; i < part.length; i++) {
    const char = part[i]!;
    const close = char === "[" ? part.indexOf("]", i + 1) : -1;
    if (char === "*") text += "[^/]*";
    else if (char === "?") text += "[^/]";
    else if (close > 0) {
      text += part.slice(i, close + 1).replaceAll("\\", "\\\\");
      i = close;
    } else text += char.replace(/[\\^$.|+(){}[\]]/g, "\\$&");
  }
  return new RegExp(`^${text}$`);
}

/** Files that a pattern of `*`, `?` and `[…]` names. */
export async function expandGlob(pattern: string): Promise<string[]> {
  let found = [isAbsolute(pattern) ? "/" : ""];
  for (const part of pattern.split("/").filter((item) => item !== "")) {
    const next: string[] = [];
    const wild = /[*?[]/.test(part);
    for (const dir of found) {
      if (!wild) {
        next.push(join(dir, part));
        continue;
      }
      const names = await readdir(dir === "" ? "." : dir).catch(() => []);
      const expression = globPart(part);
      for (const name of names.sort()) if (expression.test(name)) next.push(join(dir, name));
    }
    found = next;
  }
  return found;
}

function targetsOf(value: unknown): string[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((group: unknown) => {
    const targets = (group as { targets?: unknown } | null)?.targets;
    return Array.isArray(targets)
      ? targets.filter((one): one is string => typeof one === "string")
      : [];
  });
}

/** Reads the targets of all files; a file that cannot be read or parsed keeps its last targets. */
export class FileTargets {
  readonly #globs: readonly string[];
  readonly #deps: FileTargetsDeps;
  readonly #files = new Map<string, { stamp: string; targets: readonly string[] }>();

  constructor(globs: readonly string[], deps: FileTargetsDeps) {
    this.#globs = globs;
    this.#deps = deps;
  }

  async targets(): Promise<string[]> {
    const paths = new Set((await Promise.all(this.#globs.map(expandGlob))).flat());
    for (const path of this.#files.keys()) if (!paths.has(path)) this.#files.delete(path);
    for (const path of paths) await this.#read(path);
    return [...new Set([...this.#files.values()].flatMap(({ targets }) => targets))];
  }

  async #read(path: string): Promise<void> {
    try {
      const { mtimeMs, size } = await stat(path);
      const stamp = `${mtimeMs} ${size}`;
      if (this.#files.get(path)?.stamp === stamp) return;
      const text = await readFile(path, "utf8");
      const parsed: unknown = path.endsWith(".json")
        ? JSON.parse(text)
        : this.#deps.parseYaml(text);
      this.#files.set(path, { stamp, targets: targetsOf(parsed) });
    } catch (error) {
      this.#deps.warn(`cannot read targets from ${path}: ${messageOf(error)}`);
    }
  }
}
