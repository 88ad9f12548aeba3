// Reads rule files. A file that is wrong keeps what it said before; the others change.
import { readFile } from "node:fs/promises";
import { type Log, messageOf } from "@deucalion/base";
import type { RuleFileResult, RuleGroupSpec } from "@deucalion/rules";
import { expandGlob } from "@deucalion/storeapi";
import { RuleError } from "./errors.ts";

/** What all files say together. */
export interface LoadedRules {
  readonly groups: readonly RuleGroupSpec[];
  /** What is wrong; groups of those files are as they were before. */
  readonly error: RuleError | null;
}

export interface RuleFilesDeps {
  readonly log: Log;
  readonly parse: (text: string, name: string) => RuleFileResult;
}

export class RuleFiles {
  readonly #globs: readonly string[];
  readonly #deps: RuleFilesDeps;
  /** By file: what it said when it was right. */
  #known = new Map<string, readonly RuleGroupSpec[]>();

  constructor(globs: readonly string[], deps: RuleFilesDeps) {
    this.#globs = globs;
    this.#deps = deps;
  }

  /** Files that the globs name, each once, in their order. */
  async #paths(): Promise<string[]> {
    const found = await Promise.all(this.#globs.map((glob) => expandGlob(glob)));
    return [...new Set(found.flat())];
  }

  async load(): Promise<LoadedRules> {
    const { log, parse } = this.#deps;
    const paths = await this.#paths();
    log.info("reload rule files", { numFiles: paths.length });
    const known = new Map<string, readonly RuleGroupSpec[]>();
    const errors: string[] = [];
    for (const path of paths) {
      const before = this.#known.get(path);
      const keep = (reasons: readonly string[]): void => {
        errors.push(...reasons);
        if (before !== undefined) known.set(path, before);
      };
      let text: string;
      try {
        text = await readFile(path, "utf8");
      } catch (error) {
        // A name without a wildcard may lead nowhere: as with a glob, there is no such file then.
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") keep([messageOf(error)]);
        continue;
      }
      const result = parse(text, path);
      for (const warning of result.warnings) log.warn(warning, { file: path });
      if (result.errors.length > 0) keep(result.errors);
      else known.set(path, result.groups);
    }
    this.#known = known;
    const error =
      errors.length === 0
        ? null
        : new RuleError("RULE_RELOAD", `reloading rules failed: ${errors.join("; ")}`);
    return { groups: [...known.values()].flat(), error };
  }
}
