import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { commands } from "../commands.ts";
import { queryFlags } from "../query/flags.ts";
import { queryOptions } from "../query/options.ts";
import { expandFiles, findCommand } from "./command-line.ts";
import { ConfigText } from "./config-text.ts";
import { globalFlags } from "./groups.ts";
import { parseFlags } from "./parse-flags.ts";
import { parseTimeOrDuration, resolveTime } from "./time-or-duration.ts";

const find = (...args: string[]) => findCommand(args, commands, () => Promise.resolve(globalFlags));

test("parseFlags() reads every type", () => {
  const { values, shown } = parseFlags(
    [
      "--query.timeout=1h30m",
      "--query.lookback-delta",
      "90s",
      "--query.replica-label=b,a",
      "--query.replica-label=c,a",
      "--no-query.partial-response",
      "--query.max-bytes-per-query=2GiB",
      "--endpoint=a:1",
      "--endpoint=dns+b",
      "--query.telemetry.request-samples-quantiles=1",
      "--query.telemetry.request-samples-quantiles=1e6",
    ],
    queryFlags,
  );
  assert.equal(values["query.timeout"], 5_400_000);
  assert.equal(values["query.lookback-delta"], 90_000);
  assert.deepEqual(values["query.replica-label"], ["a", "b", "c"]);
  assert.equal(values["query.partial-response"], false);
  assert.equal(values["query.max-bytes-per-query"], 2 ** 31);
  assert.deepEqual(values.endpoint, ["a:1", "dns+b"]);
  assert.equal(shown["query.telemetry.request-samples-quantiles"], "1,1e+06");
  assert.equal(shown["grpc-grace-period"], "2m0s");
  assert.equal(shown["http-grace-period"], "2m");
  assert.equal(shown["query.replica-label"], "a,b,c");
});

const wrong: readonly (readonly [string, string])[] = [
  ["--foo", "unknown long flag '--foo'"],
  ["--no-foo", "unknown long flag '--no-foo'"],
  ["--no-query.timeout", "unknown long flag '--no-query.timeout'"],
  ["-x", "unknown short flag '-x'"],
  ["extra", "unexpected extra"],
  ["--web.disable-cors=true", "unexpected true"],
  ["--web.disable-cors true", "unexpected true"],
  ["--query.timeout=x", 'not a valid duration string: "x"'],
  ["--query.timeout=1m --query.timeout=2m", "flag 'query.timeout' cannot be repeated"],
  ["--query.max-concurrent", "expected argument for flag '--query.max-concurrent'"],
  [
    "--query.max-concurrent --query.timeout=1m",
    "expected argument for flag '--query.max-concurrent'",
  ],
  ["--query.max-concurrent=x", 'strconv.ParseFloat: parsing "x": invalid syntax'],
  ["--log.level=zz", "enum value must be one of error,warn,info,debug, got 'zz'"],
  ["--endpoint=foo", "Address foo is not of <host>:<port> format or a valid DNS query."],
];

for (const [line, message] of wrong) {
  test(`parseFlags() refuses ${line}`, () => {
    assert.throws(() => parseFlags(line.split(" "), queryFlags), { code: "APP_FLAGS", message });
  });
}

test("parseFlags() takes values that begin with a dash only behind =", () => {
  const { values } = parseFlags(["--query.lookback-delta=-1s"], queryFlags);
  assert.equal(values["query.lookback-delta"], -1000);
});

test("findCommand() finds commands with global flags before or after", async () => {
  const before = await find("--log.level=debug", "query", "--query.timeout=1m");
  assert.equal(before.kind, "run");
  assert.deepEqual(before.kind === "run" && before.args, [
    "--log.level=debug",
    "--query.timeout=1m",
  ]);
  const deep = await find("tools", "bucket", "ls", "-o", "json");
  assert.equal(deep.kind === "run" && deep.command.path, "tools bucket ls");
  const apart = await find("--log.level", "debug", "store");
  assert.deepEqual(apart.kind === "run" && apart.args, ["--log.level", "debug"]);
});

test("findCommand() tells what is wrong as kingpin does", async () => {
  await assert.rejects(find("nope"), { message: 'expected command but got "nope"' });
  await assert.rejects(find("tools", "bucket"), {
    message: "must select a subcommand of 'tools bucket'",
  });
  await assert.rejects(find("--web.disable-cors", "query"), {
    message: "unknown long flag '--web.disable-cors'",
  });
  assert.equal((await find()).kind, "help");
  assert.equal((await find("help", "query")).kind, "help");
  assert.equal((await find("--version")).kind, "version");
});

test("expandFiles() puts the lines of @file in its place", () => {
  const file = join(mkdtempSync(join(tmpdir(), "deucalion-")), "args");
  writeFileSync(file, "# a comment\n--query.timeout=1m\n\n--endpoint=a:1\n");
  assert.deepEqual(expandFiles(["query", `@${file}`]), [
    "query",
    "--query.timeout=1m",
    "--endpoint=a:1",
  ]);
  assert.throws(() => expandFiles(["@/does/not/exist"]), { code: "APP_FLAGS" });
});

test("ConfigText reads a file or a text, fills in the environment, and refuses both", () => {
  const options = { env: true, required: false };
  assert.equal(new ConfigText("x", "", "a: $(HOME_OF)", options).read({ HOME_OF: "b" }), "a: b");
  assert.equal(new ConfigText("x", "", "", options).read({}), "");
  assert.throws(() => new ConfigText("x", "", "a: $(NOT_SET)", options).read({}), {
    message: 'found reference to unset environment variable "NOT_SET"',
  });
  assert.throws(() => new ConfigText("x", "f", "c", options).read({}), {
    message: "both x-file and x flags set.",
  });
  assert.throws(() => new ConfigText("x", "", "", { env: false, required: true }).read({}), {
    message: "flag x-file or x is required for running this command and content cannot be empty.",
  });
});

test("parseTimeOrDuration() reads times and distances from now", () => {
  assert.equal(resolveTime(parseTimeOrDuration("-1d"), 86_400_000), 0);
  assert.equal(resolveTime(parseTimeOrDuration("2h45m"), 0), 9_900_000);
  assert.equal(resolveTime(parseTimeOrDuration("2024-01-02T00:00:00Z"), 5), 1_704_153_600_000);
  assert.throws(() => parseTimeOrDuration("zz"), { message: 'not a valid duration string: "zz"' });
});

test("queryOptions() cleans prefixes and reads external labels", () => {
  const { values } = parseFlags(
    [
      "--web.external-prefix=http://proxy/a//b/../c/",
      '--selector-label=x="y\\"z"',
      "--http-address=:1234",
    ],
    queryFlags,
  );
  const options = queryOptions(values);
  assert.equal(options.web.externalPrefix, "/a/c");
  assert.equal(options.web.routePrefix, "/a/c");
  assert.equal(options.web.queryUrl, "http://localhost:1234");
  assert.equal(options.selectorLabels.get("x"), 'y"z');
});
