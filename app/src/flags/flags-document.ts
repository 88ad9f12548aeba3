// docs/flags.md: every command's flags as tables, made from the same tables that parse them.
import type { Command } from "../commands.ts";
import type { FlagSpec, FlagTable } from "./flag-spec.ts";
import { globalFlags } from "./groups.ts";

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

function row(name: string, spec: FlagSpec<unknown>): string {
  const short = spec.short === undefined ? "" : `\`-${spec.short}\`, `;
  const file = spec.pair ? `\`--${name}-file\`, ` : "";
  const defaults =
    spec.boolean || spec.pair ? spec.defaults : spec.defaults.filter((d) => d !== "");
  const marks = [
    spec.repeated ? "repeatable" : "",
    spec.required ? "required" : "",
    spec.hidden ? "not in help" : "",
  ];
  const notes = marks.filter((m) => m !== "").join(", ");
  const help = notes === "" ? spec.help : `${spec.help} *(${notes})*`;
  return `| ${short}${file}\`--${name}\` | ${defaults.map((d) => `\`${cell(d)}\``).join(" ")} | ${cell(help)} |`;
}

function table(flags: FlagTable, without: FlagTable): string[] {
  const names = Object.keys(flags).filter((name) => !(name in without));
  if (names.length === 0) return ["No flags of its own."];
  return [
    "| flag | default | meaning |",
    "|---|---|---|",
    ...names.map((name) => row(name, flags[name]!)),
  ];
}

/** The whole document. */
export async function flagsDocument(commands: readonly Command[]): Promise<string> {
  const lines = [
    "# Flags",
    "",
    "Made from the tables in `app/src/*/flags.ts`; a test compares (`UPDATE=1 npm test -- flags-document` writes it anew).",
    "Flags are written `--name=value` or `--name value`. Booleans take no value and have a `--no-` form. `-file` variants",
    "take a path instead of the content; `@file` arguments are replaced by the lines of that file.",
    "",
    "## All commands",
    "",
    ...table(globalFlags, {}),
  ];
  for (const { path, help, load } of commands) {
    lines.push("", `## ${path}`, "", help, "", ...table((await load()).flags, globalFlags));
  }
  return `${lines.join("\n")}\n`;
}
