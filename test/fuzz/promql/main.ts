// `npm run fuzz:promql`: compares our answers with those of a Prometheus on random queries over random data.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { prometheusBinary } from "../../support/mod.ts";
import { makeDataset, writeDataset } from "./dataset.ts";
import { differenceText, fuzz, makeQuery, tryQuery } from "./fuzz.ts";
import type { Level } from "./language.ts";
import { Random } from "./random.ts";
import { type Server, startOurs, startPrometheus } from "./servers.ts";

const usage = `npm run fuzz:promql -- [options]
  --count N         queries to ask (1000)
  --seed S          seed of the first query (1)
  --data-seed D     seed of the data set (1)
  --round N         queries per data set (2000); a peer given by --peer has one data set
  --level 2.42|3.14 what the peer's language knows (2.42)
  --prometheus FILE the peer's program, started on the data (Debian's)
  --peer URL        a peer that already serves the data set
  --write-data DIR  only write the data set as a block, for such a peer
  --ours URL        our querier, if one already serves the data set
  --query S         ask the query of that seed alone and print it
  --parallel N      queries in flight (2)`;

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "1000" },
    seed: { type: "string", default: "1" },
    "data-seed": { type: "string", default: "1" },
    round: { type: "string", default: "2000" },
    level: { type: "string", default: "2.42" },
    prometheus: { type: "string" },
    peer: { type: "string" },
    ours: { type: "string" },
    "write-data": { type: "string" },
    query: { type: "string" },
    parallel: { type: "string", default: "2" },
    help: { type: "boolean", default: false },
  },
});

const level: Level = values.level === "3.14" ? "3.14" : "2.42";
const seed = Number(values.query ?? values.seed);
const total = values.query === undefined ? Number(values.count) : 1;
const perRound = values.peer === undefined ? Number(values.round) : total;

async function round(dataSeed: number, first: number, count: number): Promise<number> {
  const bucket = mkdtempSync(join(tmpdir(), "deucalion-fuzz-bucket-"));
  const servers: Server[] = [];
  try {
    const name = await writeDataset(bucket, makeDataset(new Random(dataSeed), level), dataSeed);
    if (values.ours === undefined) servers.push(await startOurs(bucket));
    const ours = values.ours ?? servers[0]!.url;
    let peer = values.peer;
    if (peer === undefined) {
      const binary = values.prometheus ?? prometheusBinary();
      const server = await startPrometheus(binary, level, bucket, [name]);
      servers.push(server);
      peer = server.url;
    }
    if (values.query !== undefined) {
      const query = makeQuery(first, level);
      console.log(JSON.stringify(query, null, 1));
      const { want, verdict, difference } = await tryQuery(ours, peer, query, level);
      console.log(`peer: ${JSON.stringify(want).slice(0, 4000)}\n${verdict}\n${difference ?? ""}`);
      return verdict === "different" ? 1 : 0;
    }
    const options = { level, seed: first, count, parallel: Number(values.parallel) };
    const report = await fuzz(ours, peer, options, (found) =>
      console.log(`data ${dataSeed}, ${differenceText(found)}\n`),
    );
    console.log(
      `data ${dataSeed}: ${report.asked} asked, ${report.full} with series, ${report.errors} errors, ${report.undecided} undecided by the peer, ${report.differences.length} differences`,
    );
    return report.differences.length;
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
    rmSync(bucket, { recursive: true, force: true });
  }
}

if (values.help) console.log(usage);
else if (values["write-data"] !== undefined) {
  const dataSeed = Number(values["data-seed"]);
  const series = makeDataset(new Random(dataSeed), level);
  console.log(await writeDataset(values["write-data"], series, dataSeed));
} else {
  let different = 0;
  let dataSeed = Number(values["data-seed"]);
  for (let asked = 0; asked < total; asked += perRound) {
    different += await round(dataSeed++, seed + asked, Math.min(perRound, total - asked));
  }
  console.log(`${total} queries, ${different} differences`);
  process.exitCode = different === 0 ? 0 : 1;
}
