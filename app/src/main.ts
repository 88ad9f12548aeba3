// Entry of the executable: finds the command, parses its flags, sets up the process, runs it.
import { messageOf } from "@deucalion/base";
import { type Command, commands } from "./commands.ts";
import { AppError } from "./errors.ts";
import { expandFiles, findCommand, parseCommand } from "./flags/command-line.ts";
import type { FlagTable } from "./flags/flag-spec.ts";
import { globalFlags } from "./flags/groups.ts";
import { buildInfo, versionText } from "./version.ts";

const purpose =
  "Distributed Prometheus: one gap-free view over many servers, with their history in object storage.";

async function groupFlags(prefix: string): Promise<FlagTable> {
  if (prefix !== "tools bucket") return globalFlags;
  return (await import("./tools/bucket-flags.ts")).bucketFlags;
}

async function printHelp(command: Command | undefined, prefix: string): Promise<void> {
  const { formatHelp, requiredUsage } = await import("./flags/help.ts");
  if (command !== undefined) {
    const { flags, positionals } = await command.load();
    const tail = positionals.map((name) =>
      name.endsWith("...") ? ` <${name.slice(0, -3)}>...` : ` <${name}>`,
    );
    process.stdout.write(
      formatHelp("deucalion", command.path, command.help, flags, [], tail.join("")),
    );
    return;
  }
  const below = commands.filter((c) => prefix === "" || c.path.startsWith(`${prefix} `));
  const list = await Promise.all(
    below.map(async ({ path, help, load }) => ({
      path,
      help,
      usage: requiredUsage((await load()).flags),
    })),
  );
  const help = prefix === "" ? purpose : `Commands of ${prefix}.`;
  process.stdout.write(formatHelp("deucalion", prefix, help, await groupFlags(prefix), list));
}

function failFlags(error: AppError, args: readonly string[]): number {
  const short = /^(unknown (long|short) flag|unexpected |expected |required argument)/.test(
    error.message,
  );
  process.stderr.write(
    short
      ? `deucalion: error: ${error.message}\nerror parsing commandline arguments: [${["deucalion", ...args].join(" ")}]: ${error.message}\n`
      : `error parsing commandline arguments: [${["deucalion", ...args].join(" ")}]: ${error.message}\n`,
  );
  process.stderr.write("deucalion: try --help\n");
  return 2;
}

async function main(given: readonly string[]): Promise<number> {
  let running: { readonly command: Command; readonly args: readonly string[] };
  try {
    const invocation = await findCommand(expandFiles(given), commands, groupFlags);
    if (invocation.kind === "version") {
      process.stdout.write(versionText(buildInfo()));
      return 0;
    }
    if (invocation.kind === "help") {
      await printHelp(invocation.command, invocation.prefix);
      return 0;
    }
    running = invocation;
    const loaded = await running.command.load();
    const parsed = parseCommand(running.args, loaded.flags, loaded.positionals, globalFlags);
    if (parsed.version) {
      process.stdout.write(versionText(buildInfo()));
      return 0;
    }
    if (parsed.help) {
      await printHelp(running.command, running.command.path);
      return 0;
    }
    const { runCommand } = await import("./process/run-command.ts");
    return await runCommand(loaded, parsed);
  } catch (error) {
    if (error instanceof AppError && error.code === "APP_FLAGS") return failFlags(error, given);
    process.stderr.write(`deucalion: ${messageOf(error)}\n`);
    return 1;
  }
}

// Whoever reads our output may stop reading: `deucalion … | head`.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

// The bundle is CommonJS, which knows no await outside of functions.
void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
  // Written output must leave before the process does; services that ended may have left timers behind.
  process.stdout.write("", () => process.exit());
});
