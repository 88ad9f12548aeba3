// Help texts in kingpin's layout: usage line, flags in two columns, commands.
import type { FlagSpec, FlagTable } from "./flag-spec.ts";

const width = 80;

/** A command as help lists it. */
export interface CommandHelp {
  readonly path: string;
  readonly help: string;
  /** Flags that must be given and arguments, as the usage line shows them. */
  readonly usage: string;
}

function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function placeholderOf(name: string, spec: FlagSpec<unknown>): string {
  if (spec.defaults.length > 0 && spec.placeholder === undefined) {
    const text = spec.defaults[0]!;
    const more = spec.defaults.length > 1 ? "..." : "";
    return (spec.quoted ? JSON.stringify(text) : text) + more;
  }
  return spec.placeholder ?? name.toUpperCase();
}

function rows(table: FlagTable): (readonly [string, string])[] {
  const found: (readonly [string, string])[] = [
    ["-h, --[no-]help", "Show context-sensitive help (also try --help-long and --help-man)."],
    ["    --[no-]version", "Show application version."],
  ];
  for (const [name, spec] of Object.entries(table)) {
    if (spec.hidden) continue;
    const short = spec.short === undefined ? "    " : `-${spec.short}, `;
    if (spec.pair) {
      found.push([`    --${name}-file=<file-path>`, `Path of a file: ${spec.help}`]);
      found.push([
        `    --${name}=<content>`,
        `Instead of --${name}-file, the content itself: ${spec.help}`,
      ]);
    } else if (spec.boolean) found.push([`${short}--[no-]${name}`, spec.help]);
    else {
      const more = spec.repeated ? " ..." : "";
      found.push([`${short}--${name}=${placeholderOf(name, spec)}${more}`, spec.help]);
    }
  }
  return found;
}

function twoColumns(table: FlagTable): string {
  const all = rows(table);
  const limit = Math.max(...all.map(([left]) => left.length).filter((n) => n <= 24 + 2), 18);
  const indent = 2 + limit + 2;
  const lines: string[] = [];
  for (const [left, text] of all) {
    const help = wrap(text, width - indent);
    if (left.length > limit) lines.push(`  ${left}  `);
    else lines.push(`  ${left.padEnd(limit)}  ${help.shift() ?? ""}`);
    for (const line of help) lines.push(" ".repeat(indent) + line);
  }
  return lines.join("\n");
}

/** What of a table must be given, for the usage line. */
export function requiredUsage(table: FlagTable): string {
  return Object.entries(table)
    .filter(([, spec]) => spec.required)
    .map(([name]) => `--${name}=${name.toUpperCase()} `)
    .join("");
}

/** Help of one command, or of a group of commands. */
export function formatHelp(
  program: string,
  path: string,
  help: string,
  table: FlagTable,
  commands: readonly CommandHelp[],
  positional = "",
): string {
  const name = path === "" ? program : `${program} ${path}`;
  const tail =
    commands.length > 0
      ? "[<flags>] <command> [<args> ...]"
      : `${requiredUsage(table)}[<flags>]${positional}`;
  const parts = [
    `usage: ${name} ${tail}`,
    "",
    ...wrap(help, width),
    "",
    "",
    "Flags:",
    twoColumns(table),
    "",
  ];
  if (commands.length > 0) {
    parts.push(path === "" ? "Commands:" : "Subcommands:");
    if (path === "") parts.push("help [<command>...]", "    Show help.", "");
    for (const command of commands) {
      parts.push(`${command.path} ${command.usage}[<flags>]`);
      parts.push(...wrap(command.help, width - 4).map((line) => `    ${line}`), "");
    }
  }
  return `${parts.join("\n")}\n`;
}
