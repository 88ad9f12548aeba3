// Every command of the executable: its help, its flags, and how it starts. Flags and code load when they are needed.

import type { FlagTable, FlagValues } from "./flags/flag-spec.ts";
import type { AppProcess } from "./process/app-process.ts";

/** A command, ready to parse its flags and run. */
export interface LoadedCommand {
  readonly flags: FlagTable;
  /** Names of the arguments beside flags, for help. */
  readonly positionals: readonly string[];
  /** Name of the component in logs and metrics. */
  readonly component: string;
  /** Sets up; services stay in the process' run group. Throws for exit code 1. */
  readonly run: (
    values: never,
    positionals: readonly string[],
    process: AppProcess,
  ) => Promise<void>;
}

/** A command as the dispatcher knows it before it is loaded. */
export interface Command {
  readonly path: string;
  readonly help: string;
  readonly load: () => Promise<LoadedCommand>;
}

function command<Table extends FlagTable>(
  path: string,
  help: string,
  flags: () => Promise<Table>,
  run: (
    values: FlagValues<Table>,
    process: AppProcess,
    positionals: readonly string[],
  ) => Promise<void>,
  extra: { readonly component?: string; readonly positionals?: readonly string[] } = {},
): Command {
  return {
    path,
    help,
    load: async () => ({
      flags: await flags(),
      positionals: extra.positionals ?? [],
      component: extra.component ?? path,
      run: (values: never, positionals, process) =>
        run(values as FlagValues<Table>, process, positionals),
    }),
  };
}

const bucketFlags = () => import("./tools/bucket-flags.ts");

/** All commands, in the order in which help lists them. */
export const commands: readonly Command[] = [
  command(
    "quickstart",
    "All in one process: a querier with its UI over a bucket with demo data and over any Prometheus.",
    async () => (await import("./quickstart/flags.ts")).quickstartFlags,
    async (values, process) => {
      const { quickstartOptions } = await import("./quickstart/options.ts");
      const { runQuickstart } = await import("./quickstart/run.ts");
      await runQuickstart(quickstartOptions(values), process);
    },
  ),
  command(
    "sidecar",
    "Beside one Prometheus: serves its data over the StoreAPI.",
    async () => (await import("./sidecar/flags.ts")).sidecarFlags,
    async (values, process) => {
      const { sidecarOptions } = await import("./sidecar/options.ts");
      const { runSidecar } = await import("./sidecar/run.ts");
      await runSidecar(sidecarOptions(values), process);
    },
  ),
  command(
    "store",
    "Serves the blocks of a bucket over the StoreAPI.",
    async () => (await import("./store/flags.ts")).storeFlags,
    async (values, process) => {
      const { storeOptions } = await import("./store/options.ts");
      const { runStore } = await import("./store/run.ts");
      await runStore(storeOptions(values), process);
    },
  ),
  command(
    "query",
    "PromQL, the HTTP API and the UI over any number of StoreAPIs, replicas de-duplicated.",
    async () => (await import("./query/flags.ts")).queryFlags,
    async (values, process) => {
      const { queryOptions } = await import("./query/options.ts");
      const { runQuery } = await import("./query/run.ts");
      await runQuery(queryOptions(values), process);
    },
  ),
  command(
    "rule",
    "Evaluates recording and alerting rules over queriers.",
    async () => (await import("./rule/flags.ts")).ruleFlags,
    async (values, process) => {
      const { ruleOptions } = await import("./rule/options.ts");
      const { runRule } = await import("./rule/run.ts");
      await runRule(ruleOptions(values), process);
    },
  ),
  command(
    "compact",
    "Compacts, downsamples and retires the blocks of a bucket.",
    async () => (await import("./compact/flags.ts")).compactFlags,
    async (values, process) => {
      const { compactOptions } = await import("./compact/options.ts");
      const { runCompact } = await import("./compact/run.ts");
      await runCompact(compactOptions(values), process);
    },
  ),
  command(
    "tools bucket verify",
    "Looks for known issues in the blocks of a bucket.",
    async () => (await bucketFlags()).bucketVerifyFlags,
    async (values, process) => {
      const { runBucketVerify } = await import("./tools/bucket-verify/run.ts");
      await runBucketVerify(values, process);
    },
    { component: "bucket" },
  ),
  command(
    "tools bucket plan",
    "Shows what a compactor would do with a bucket: now, next, what is blocked, what is deleted when.",
    async () => (await bucketFlags()).bucketPlanFlags,
    async (values, process) => {
      const { runBucketPlan } = await import("./tools/bucket-plan/run.ts");
      await runBucketPlan(values, process);
    },
    { component: "bucket" },
  ),
  command(
    "tools bucket ls",
    "Lists the blocks of a bucket.",
    async () => (await bucketFlags()).bucketLsFlags,
    async (values, process) => {
      const { runBucketLs } = await import("./tools/bucket-ls/run.ts");
      await runBucketLs(values, process);
    },
    { component: "bucket" },
  ),
  command(
    "tools bucket inspect",
    "Shows the blocks of a bucket as a table.",
    async () => (await bucketFlags()).bucketInspectFlags,
    async (values, process) => {
      const { runBucketInspect } = await import("./tools/bucket-inspect/run.ts");
      await runBucketInspect(values, process);
    },
    { component: "bucket" },
  ),
  command(
    "tools bucket web",
    "Serves a web view of the blocks of a bucket.",
    async () => (await bucketFlags()).bucketWebFlags,
    async (values, process) => {
      const { runBucketWeb } = await import("./tools/bucket-web/run.ts");
      await runBucketWeb(values, process);
    },
    { component: "bucket" },
  ),
  command(
    "tools bucket replicate",
    "Copies blocks to another bucket.",
    async () => (await bucketFlags()).bucketReplicateFlags,
    async (values, process) => {
      const { bucketReplicateOptions } = await import("./tools/bucket-replicate/options.ts");
      const { runBucketReplicate } = await import("./tools/bucket-replicate/run.ts");
      await runBucketReplicate(bucketReplicateOptions(values), process);
    },
    { component: "bucket" },
  ),
  command(
    "tools bucket downsample",
    "Downsamples the blocks of a bucket, again and again.",
    async () => (await bucketFlags()).bucketDownsampleFlags,
    async (values, process) => {
      const { runBucketDownsample } = await import("./tools/bucket-downsample/run.ts");
      await runBucketDownsample(values, process);
    },
    { component: "bucket" },
  ),
  command(
    "tools bucket cleanup",
    "Deletes blocks that are marked for it.",
    async () => (await bucketFlags()).bucketCleanupFlags,
    async (values, process) => {
      const { runBucketCleanup } = await import("./tools/bucket-cleanup/run.ts");
      await runBucketCleanup(values, process);
    },
    { component: "bucket" },
  ),
  command(
    "tools bucket mark",
    "Marks a block for deletion, or against compaction or downsampling.",
    async () => (await bucketFlags()).bucketMarkFlags,
    async (values, process) => {
      const { runBucketMark } = await import("./tools/bucket-mark/run.ts");
      await runBucketMark(values, process);
    },
    { component: "bucket" },
  ),
  command(
    "tools bucket rewrite",
    "Rewrites blocks without some of their series, or with other labels.",
    async () => (await bucketFlags()).bucketRewriteFlags,
    async (values, process) => {
      const { runBucketRewrite } = await import("./tools/bucket-rewrite/run.ts");
      await runBucketRewrite(values, process);
    },
    { component: "bucket" },
  ),
  command(
    "tools bucket retention",
    "Applies retention to a bucket.",
    async () => (await bucketFlags()).bucketRetentionFlags,
    async (values, process) => {
      const { runBucketRetention } = await import("./tools/bucket-retention/run.ts");
      await runBucketRetention(values, process);
    },
    { component: "bucket" },
  ),
  command(
    "tools bucket upload-blocks",
    "Uploads blocks from a folder.",
    async () => (await bucketFlags()).bucketUploadBlocksFlags,
    async (values, process) => {
      const { runBucketUploadBlocks } = await import("./tools/bucket-upload-blocks/run.ts");
      await runBucketUploadBlocks(values, process);
    },
    { component: "bucket" },
  ),
  command(
    "tools rules-check",
    "Checks files with rules.",
    async () => (await import("./tools/flags.ts")).rulesCheckFlags,
    async (values, process) => {
      const { runRulesCheck } = await import("./tools/rules-check/run.ts");
      await runRulesCheck(values.rules, process);
    },
    { component: "rules-check" },
  ),
  command(
    "tools rules-test",
    "Runs unit tests of rules, in promtool's format.",
    async () => (await import("./tools/flags.ts")).rulesTestFlags,
    async (values, process, paths) => {
      const { runRulesTest } = await import("./tools/rules-test/run.ts");
      await runRulesTest(values, paths, process);
    },
    { component: "tools", positionals: ["file..."] },
  ),
  command(
    "tools tsdb dump",
    "Prints a block, or a whole data folder of Prometheus, as JSON lines.",
    async () => (await import("./tools/flags.ts")).tsdbDumpFlags,
    async (values, process, [dir]) => {
      const { dumpCommand } = await import("./tools/run-tsdb-dump.ts");
      await dumpCommand(dir!, values, process);
    },
    { component: "tools", positionals: ["dir"] },
  ),
  command(
    "tools tsdb analyze",
    "Prints what makes a block large, or the newest block of a data folder: churn, label pairs, cardinality.",
    async () => (await import("./tools/flags.ts")).tsdbAnalyzeFlags,
    async (values, process, [dir]) => {
      const { analyzeCommand } = await import("./tools/run-tsdb-analyze.ts");
      await analyzeCommand(dir!, values, process);
    },
    { component: "tools", positionals: ["dir"] },
  ),
  command(
    "tools promqltest",
    "Runs scripts in the grammar of Prometheus' promqltest.",
    async () => (await import("./tools/flags.ts")).promqltestFlags,
    async (_, process, paths) => {
      const { promqltestCommand } = await import("./tools/run-promqltest.ts");
      await promqltestCommand(paths, process);
    },
    { component: "tools", positionals: ["path..."] },
  ),
  command(
    "receive",
    "Takes remote write and OTLP, replicates it, and serves it over the StoreAPI.",
    async () => (await import("./receive/flags.ts")).receiveFlags,
    async (values, process) => {
      const { receiveOptions } = await import("./receive/options.ts");
      const { runReceive } = await import("./receive/run.ts");
      await runReceive(receiveOptions(values), process);
    },
  ),
  command(
    "query-frontend",
    "In front of queriers: splits, caches and retries queries.",
    async () => (await import("./query-frontend/flags.ts")).queryFrontendFlags,
    async (values, process) => {
      const { queryFrontendOptions } = await import("./query-frontend/options.ts");
      const { runQueryFrontend } = await import("./query-frontend/run.ts");
      await runQueryFrontend(queryFrontendOptions(values), process);
    },
  ),
];
