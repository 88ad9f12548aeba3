// Parses one command's arguments by its table of flags, with kingpin's rules and words.
import { type ParseArgsConfig, parseArgs } from "node:util";
import { messageOf } from "@deucalion/base";
import { AppError } from "../errors.ts";
import type { FlagSpec, FlagTable, FlagValues } from "./flag-spec.ts";

/** What a command line parsed to. */
export interface ParsedFlags<Table extends FlagTable> {
  readonly values: FlagValues<Table>;
  /** Values as `/api/v1/status/flags` shows them, by name in order of names. */
  readonly shown: Readonly<Record<string, string>>;
  readonly positionals: readonly string[];
  readonly help: boolean;
  readonly version: boolean;
}

interface Plain {
  readonly spec: FlagSpec<unknown>;
  readonly table: string;
}

/** Names as they are typed: a pair has two. */
function plainFlags(table: FlagTable): Map<string, Plain> {
  const plain = new Map<string, Plain>();
  for (const [name, spec] of Object.entries(table)) {
    if (spec.pair) plain.set(`${name}-file`, { spec, table: name });
    plain.set(name, { spec, table: name });
  }
  return plain;
}

const fail = (message: string): never => {
  throw new AppError("APP_FLAGS", message);
};

/**
 * Parses `args` by `table`. `show` says which flags belong to the command itself. At most `positionals` other
 * arguments are taken. Throws APP_FLAGS in kingpin's words.
 */
export function parseFlags<Table extends FlagTable>(
  args: readonly string[],
  table: Table,
  options: { readonly positionals?: number; readonly hiddenFromStatus?: FlagTable } = {},
): ParsedFlags<Table> {
  const plain = plainFlags(table);
  const config: NonNullable<ParseArgsConfig["options"]> = {
    help: { type: "boolean", short: "h" },
    version: { type: "boolean" },
  };
  for (const [name, { spec }] of plain) {
    config[name] = {
      type: spec.boolean ? "boolean" : "string",
      multiple: true,
      ...(spec.short === undefined ? {} : { short: spec.short }),
    };
  }
  const { tokens } = parseArgs({
    args: [...args],
    options: config,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given = new Map<string, string[]>();
  const positionals: string[] = [];
  let help = false;
  let version = false;
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    if (token.kind === "positional") {
      if (positionals.length >= (options.positionals ?? 0)) fail(`unexpected ${token.value}`);
      positionals.push(token.value);
      continue;
    }
    const negated = token.name.startsWith("no-") && !plain.has(token.name);
    const name = negated ? token.name.slice(3) : token.name;
    if (/^(help(-long|-man)?|version)$/.test(name)) {
      if (token.value !== undefined) fail(`unexpected ${token.value}`);
      if (name === "version") version = !negated;
      else help = !negated;
      continue;
    }
    const flag = plain.get(name);
    if (flag === undefined || (negated && !flag.spec.boolean)) {
      fail(
        token.rawName.startsWith("--")
          ? `unknown long flag '--${token.name}'`
          : `unknown short flag '${token.rawName}'`,
      );
    }
    const { spec } = flag!;
    if (spec.boolean && token.value !== undefined) fail(`unexpected ${token.value}`);
    if (!spec.boolean) {
      const dashed =
        token.inlineValue === false && token.value !== "-" && token.value?.startsWith("-");
      if (token.value === undefined || dashed)
        fail(`expected argument for flag '${token.rawName}'`);
    }
    const texts = given.get(name) ?? [];
    if (texts.length > 0 && !spec.repeated) fail(`flag '${name}' cannot be repeated`);
    texts.push(spec.boolean ? String(!negated) : token.value!);
    given.set(name, texts);
  }
  const values: Record<string, unknown> = {};
  const shown: Record<string, string> = {};
  if (!help && !version) {
    const missing = Object.entries(table).filter(
      ([name, spec]) => spec.required && !given.has(name),
    );
    if (missing.length > 0) {
      fail(`required flag(s) ${missing.map(([name]) => `'--${name}'`).join(", ")} not provided`);
    }
    for (const name of Object.keys(table).sort()) {
      const spec = table[name]!;
      try {
        values[name] = spec.pair
          ? spec.parse([name, given.get(`${name}-file`)?.[0] ?? "", given.get(name)?.[0] ?? ""])
          : spec.parse(given.get(name) ?? spec.defaults);
      } catch (cause) {
        fail(messageOf(cause));
      }
      if (options.hiddenFromStatus !== undefined && name in options.hiddenFromStatus) continue;
      const secret = name === "objstore.config";
      shown[name] = secret ? "<REDACTED>" : spec.show(values[name]);
      if (spec.pair)
        shown[`${name}-file`] = secret ? "<REDACTED>" : (given.get(`${name}-file`)?.[0] ?? "");
    }
  }
  return { values: values as FlagValues<Table>, shown, positionals, help, version };
}
