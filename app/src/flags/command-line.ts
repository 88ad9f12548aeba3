// Finds the command of a command line and parses its flags; prints nothing.
import { readFileSync } from "node:fs";
import { messageOf } from "@deucalion/base";
import { AppError } from "../errors.ts";
import type { FlagTable } from "./flag-spec.ts";
import { type ParsedFlags, parseFlags } from "./parse-flags.ts";

/** A command as far as finding it goes. */
export interface CommandName {
  readonly path: string;
}

/** What a command line asks for. */
export type Invocation<C extends CommandName> =
  | { readonly kind: "version" }
  /** Help of a command, or of all commands below `prefix`. */
  | {
      readonly kind: "help";
      readonly command: C | undefined;
      readonly prefix: string;
      readonly bare: boolean;
    }
  | { readonly kind: "run"; readonly command: C; readonly args: readonly string[] };

/** Replaces each `@file` argument by the lines of that file. Throws APP_FLAGS. */
export function expandFiles(args: readonly string[]): string[] {
  return args.flatMap((arg) => {
    if (!arg.startsWith("@") || arg.length === 1) return [arg];
    try {
      const lines = readFileSync(arg.slice(1), "utf8").split("\n");
      return lines
        .map((line) => line.trimEnd())
        .filter((line) => line !== "" && !line.startsWith("#"));
    } catch (cause) {
      throw new AppError("APP_FLAGS", messageOf(cause), {}, { cause });
    }
  });
}

/** Flags that stand before the command; `group` has those that may stand there. */
function skipFlag(args: readonly string[], at: number, group: FlagTable): number {
  const arg = args[at]!;
  const [name = "", inline] = arg.slice(2).split("=", 2);
  const find = (n: string) => group[n] ?? (n.endsWith("-file") ? group[n.slice(0, -5)] : undefined);
  const spec = find(name);
  if (spec === undefined) {
    if (find(name.replace(/^no-/, ""))?.boolean) return at + 1;
    const long = arg.startsWith("--");
    throw new AppError(
      "APP_FLAGS",
      long ? `unknown long flag '--${name}'` : `unknown short flag '${arg.slice(0, 2)}'`,
    );
  }
  return spec.boolean || inline !== undefined ? at + 1 : at + 2;
}

/**
 * Finds the command. `groupFlags` gives the flags that may stand behind a group of commands ("" for all).
 * Throws APP_FLAGS in kingpin's words.
 */
export async function findCommand<C extends CommandName>(
  args: readonly string[],
  commands: readonly C[],
  groupFlags: (prefix: string) => Promise<FlagTable>,
): Promise<Invocation<C>> {
  const words: string[] = [];
  const before: string[] = [];
  let help = false;
  let at = 0;
  while (at < args.length) {
    const arg = args[at]!;
    const prefix = words.join(" ");
    if (arg.startsWith("-") && arg.length > 1) {
      if (arg === "--version") return { kind: "version" };
      if (/^(-h|--help(-long|-man)?)$/.test(arg)) {
        help = true;
        at++;
        continue;
      }
      const next = skipFlag(args, at, await groupFlags(prefix));
      before.push(...args.slice(at, next));
      at = next;
      continue;
    }
    if (words.length === 0 && arg === "help") {
      const rest = args.slice(at + 1).filter((a) => !a.startsWith("-"));
      return describe(rest, commands, false);
    }
    words.push(arg);
    at++;
    const path = words.join(" ");
    const command = commands.find((c) => c.path === path);
    if (command !== undefined) {
      const rest = args.slice(at);
      if (help) return { kind: "help", command, prefix: path, bare: false };
      return { kind: "run", command, args: [...before, ...rest] };
    }
    if (!commands.some((c) => c.path.startsWith(`${path} `))) {
      throw new AppError("APP_FLAGS", `expected command but got "${arg}"`);
    }
  }
  const prefix = words.join(" ");
  if (help || words.length === 0) return { kind: "help", command: undefined, prefix, bare: !help };
  throw new AppError("APP_FLAGS", `must select a subcommand of '${prefix}'`);
}

function describe<C extends CommandName>(
  words: readonly string[],
  commands: readonly C[],
  bare: boolean,
): Invocation<C> {
  const path = words.join(" ");
  const command = commands.find((c) => c.path === path);
  if (
    command === undefined &&
    path !== "" &&
    !commands.some((c) => c.path.startsWith(`${path} `))
  ) {
    throw new AppError("APP_FLAGS", `unknown command '${path}'`);
  }
  return { kind: "help", command, prefix: path, bare };
}

/** Parses a command's flags. A last positional name that ends in `...` takes all that follow. */
export function parseCommand<Table extends FlagTable>(
  args: readonly string[],
  table: Table,
  positionals: readonly string[],
  global: FlagTable,
): ParsedFlags<Table> {
  const many = positionals.at(-1)?.endsWith("...") ?? false;
  const most = many ? Number.POSITIVE_INFINITY : positionals.length;
  const parsed = parseFlags(args, table, { positionals: most, hiddenFromStatus: global });
  if (!parsed.help && !parsed.version && parsed.positionals.length < positionals.length) {
    const missing = positionals[parsed.positionals.length]!.replace("...", "");
    throw new AppError("APP_FLAGS", `required argument '${missing}' not provided`);
  }
  return parsed;
}
