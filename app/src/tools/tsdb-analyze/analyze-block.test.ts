// Figures of a block that is small enough to count by hand.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Labels, Matcher, SampleColumns } from "@deucalion/model";
import { encodeSamples, writeBlock } from "@deucalion/tsdb";
import { analyzeBlock } from "./analyze-block.ts";

const folder = await mkdtemp(join(tmpdir(), "analyze-"));
after(() => rm(folder, { recursive: true }));
const ids = ["01HM1WXRGGAAAAAAAAAAAAAAAA", "01HM1WXRGGBBBBBBBBBBBBBBBB"];

/** A series with samples at 0 and at `end`, ms. */
function series(labels: Record<string, string>, end: number) {
  const samples = new SampleColumns();
  samples.pushFloat(0, 1);
  samples.pushFloat(end, 2);
  return { labels: Labels.from(labels), chunks: encodeSamples(samples, 0, samples.count) };
}

async function analysis(dir: string, limit: number, match: Matcher[] = []): Promise<string> {
  let text = "";
  const matchText = match.length === 0 ? "" : "up";
  await analyzeBlock(dir, { limit, match, matchText }, (part) => {
    text += part;
  });
  return text;
}

await writeBlock(folder, { ulid: ids[0]!, minTime: 0, maxTime: 1000 }, [
  series({ __name__: "old" }, 500),
]);
await writeBlock(folder, { ulid: ids[1]!, minTime: 0, maxTime: 7_200_000 }, [
  series({ __name__: "down", job: "ä" }, 7_199_999),
  series({ __name__: "up", i: "1", job: "a" }, 0),
  series({ __name__: "up", i: "22", job: "a" }, 1),
  series({ __name__: "up", i: "333", job: "b" }, 7_100_000),
]);

test("analyzeBlock() counts pairs, churn and cardinality of the newest block", async () => {
  assert.equal(
    await analysis(folder, 2),
    `Block ID: ${ids[1]}
Duration: 2h0m0s
Total Series: 4
Label names: 3
Postings (unique label pairs): 8
Postings entries (total label pairs): 11

Label pairs most involved in churning:
2 __name__=up
1 i=1

Label names most involved in churning:
2 __name__
2 i

Most common label pairs:
3 __name__=up
2 job=a

Label names with highest cumulative label value length:
6 __name__
6 i

Highest cardinality labels:
3 i
3 job

Highest cardinality metric names:
3 up
1 down
`,
  );
});

test("analyzeBlock() of a selector looks at the series that match", async () => {
  const text = await analysis(join(folder, ids[1]!), 1, [new Matcher("=", "__name__", "up")]);
  assert.match(text, /^Matcher: up\nLabel names: 3\nMatched series: 3\nPostings \(unique/m);
  assert.match(text, /Highest cardinality metric names:\n3 up\n$/);
});

test("analyzeBlock() says when there is no block", async () => {
  await assert.rejects(analysis(join(folder, "none"), 1), { code: "TSDB_NOT_A_BLOCK" });
});
