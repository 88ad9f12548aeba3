// The querier's API over HTTP: methods, encodings, errors, limits, cancelling.
import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import {
  encodeLabels,
  Labels,
  SampleColumns,
  type SeriesBatch,
  type SeriesSource,
} from "@deucalion/model";
import { MemorySource } from "@deucalion/model/testing";
import { startApi } from "./testing/api-server.ts";
import { SourceQuerier } from "./testing/source-querier.ts";

const startMs = 1_700_000_000_000;

function gauge(
  name: string,
  count: number,
  value: (i: number) => number,
  extra: Record<string, string> = {},
) {
  const samples = new SampleColumns();
  for (let i = 0; i < count; i++) samples.pushFloat(startMs + i * 15_000, value(i));
  return { labels: Labels.from({ __name__: name, ...extra }), samples };
}

function demo(): SeriesSource {
  const many = Array.from({ length: 50 }, (_, i) =>
    gauge("many", 200, (n) => n + i / 3, { i: String(i) }),
  );
  return new MemorySource([
    gauge("up", 200, () => 1, { job: 'a"\n\u{1f525}', "0": "x", "1": "y" }),
    ...many,
  ]);
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Buffer;
}

/** A request without fetch's own decompression and headers. */
function send(
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      { method: options.method ?? "GET", headers: options.headers ?? {} },
      (response) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.on("end", () =>
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            body: Buffer.concat(parts),
          }),
        );
        response.on("error", reject);
      },
    );
    sent.on("error", reject);
    sent.end(options.body);
  });
}

const json = (answer: Answer) => JSON.parse(answer.body.toString()) as Record<string, unknown>;

test("answers carry CORS headers, and gzip where the client takes it", async () => {
  const server = await startApi(new SourceQuerier(demo()));
  try {
    const url = `${server.url}/api/v1/query_range?query=many&start=1700000000&end=1700003000&step=15`;
    const plain = await send(url);
    assert.equal(plain.status, 200);
    assert.equal(plain.headers["content-type"], "application/json");
    assert.equal(plain.headers["access-control-allow-origin"], "*");
    assert.equal(plain.headers["cache-control"], undefined);
    const packed = await send(url, { headers: { "accept-encoding": "gzip, deflate" } });
    assert.equal(packed.headers["content-encoding"], "gzip");
    assert.deepEqual(JSON.parse(gunzipSync(packed.body).toString()), json(plain));
    const refused = await send(url, { headers: { "accept-encoding": "gzip;q=0" } });
    assert.equal(refused.headers["content-encoding"], undefined);
  } finally {
    await server.stop();
  }
});

test("GET and POST, URL and form, mean the same; the form comes first", async () => {
  const server = await startApi(new SourceQuerier(demo()));
  try {
    const form = { "content-type": "application/x-www-form-urlencoded" };
    const post = await send(`${server.url}/api/v1/query?query=1`, {
      method: "POST",
      headers: form,
      body: "query=2&time=5",
    });
    assert.deepEqual((json(post).data as { result: unknown }).result, [5, "2"]);
    const large = await send(`${server.url}/api/v1/query`, {
      method: "POST",
      headers: form,
      body: `query=${"1".repeat(11 << 20)}`,
    });
    assert.equal(large.status, 413);
  } finally {
    await server.stop();
  }
});

test("stats tells the samples of a query, stats=all those of each step too", async () => {
  const server = await startApi(new SourceQuerier(demo()));
  try {
    const stats = async (path: string, kind: string): Promise<unknown> => {
      const answer = json(await send(`${server.url}/api/v1/${path}&stats=${kind}`));
      return (answer.data as { stats?: { samples: unknown } }).stats?.samples;
    };
    const range = "query_range?query=up&start=1700000000&end=1700000060&step=30";
    assert.deepEqual(await stats(range, "1"), { totalQueryableSamples: 3, peakSamples: 3 });
    const each = [1_700_000_000, 1_700_000_030, 1_700_000_060].map((time) => [time, 1]);
    assert.deepEqual(await stats(range, "all"), {
      totalQueryableSamplesPerStep: each,
      totalQueryableSamples: 3,
      samplesReadPerStep: each,
      samplesRead: 3,
      peakSamples: 3,
    });
    const instant = (await stats("query?query=up&time=1700000030.5", "all")) as Record<
      string,
      unknown
    >;
    assert.deepEqual(instant.totalQueryableSamplesPerStep, [[1_700_000_030.5, 1]]);
    assert.equal(await stats("query?query=up", ""), undefined);
  } finally {
    await server.stop();
  }
});

test("label names that look like numbers stay in order, text keeps its bytes", async () => {
  const server = await startApi(new SourceQuerier(demo()));
  try {
    const answer = await send(`${server.url}/api/v1/query?query=up&time=1700000030.25`);
    const want =
      '{"status":"success","data":{"resultType":"vector","result":[{"metric":{"0":"x","1":"y","__name__":"up","job":"a\\"\\n\u{1f525}"},"value":[1700000030.250,"1"]}],"analysis":{}}}';
    assert.equal(answer.body.toString(), want);
    const series = await send(`${server.url}/api/v1/series?match[]=up`);
    assert.equal(
      series.body.toString(),
      '{"status":"success","data":[{"0":"x","1":"y","__name__":"up","job":"a\\"\\n\u{1f525}"}]}',
    );
  } finally {
    await server.stop();
  }
});

test("unknown paths are 404, wrong methods 405 with Allow, OPTIONS 204", async () => {
  const server = await startApi(new SourceQuerier(demo()));
  try {
    const missing = await send(`${server.url}/api/v1/nothing`);
    assert.deepEqual([missing.status, missing.body.toString()], [404, "404 page not found\n"]);
    const wrong = await send(`${server.url}/api/v1/query`, { method: "DELETE" });
    assert.deepEqual([wrong.status, wrong.headers.allow], [405, "GET, OPTIONS, POST"]);
    const stores = await send(`${server.url}/api/v1/stores`, { method: "POST" });
    assert.deepEqual([stores.status, stores.headers.allow], [405, "GET, OPTIONS"]);
    assert.equal((await send(`${server.url}/api/v1/query`, { method: "OPTIONS" })).status, 204);
    assert.equal((await send(`${server.url}/%ff%fe`)).status, 404);
  } finally {
    await server.stop();
  }
});

const errors: readonly (readonly [string, number, string, string])[] = [
  ["/query", 400, "bad_data", "unknown position: parse error: no expression found in input"],
  ["/query?query=foo(", 400, "bad_data", "1:5: parse error: unclosed left parenthesis"],
  ["/query?query=1&engine=x", 400, "bad_data", "'x' bad engine"],
  [
    "/query?query=1&dedup=x",
    400,
    "bad_data",
    `'dedup' parameter: strconv.ParseBool: parsing "x": invalid syntax`,
  ],
  ["/query?query=1&timeout=x", 400, "bad_data", 'cannot parse "x" to a valid duration'],
  [
    "/query?query=1&lookback_delta=x",
    400,
    "bad_data",
    `'lookback_delta' parameter: cannot parse "x" to a valid duration`,
  ],
  [
    "/query?query=1&time=x",
    400,
    "bad_data",
    `Invalid time value for 'time': cannot parse "x" to a valid timestamp`,
  ],
  [
    "/query_range?query=1&start=0&end=100&step=1&max_source_resolution=-1",
    400,
    "bad_data",
    "negative 'max_source_resolution' is not accepted. Try a positive integer",
  ],
  [
    "/query_range?query=1&start=5&end=1",
    400,
    "bad_data",
    "end timestamp must not be before start time",
  ],
  ["/query_range?query=1", 400, "bad_data", 'cannot parse "" to a valid timestamp'],
  ["/series", 400, "bad_data", "no match[] parameter provided"],
  ["/series?match[]=up&limit=-1", 400, "bad_data", "limit must be non-negative"],
  ["/labels?limit=x", 400, "bad_data", 'cannot parse "x" to a valid limit'],
  [
    "/labels?start=5&end=2",
    400,
    "bad_data",
    "bad_data: end timestamp must not be before start time",
  ],
  [
    "/labels?match[]=",
    400,
    "bad_data",
    "unknown position: parse error: no expression found in input",
  ],
  ["/targets?state=x", 400, "bad_data", "invalid targets parameter state='x'"],
  ["/rules?type=x", 400, "bad_data", "invalid rules parameter type='x'"],
  ["/query_explain?query=1", 400, "bad_data", "engine type must be 'thanos'"],
  ["/query?query=up%2Bon(foo)group_left()many%2Bon(foo)many", 422, "execution", ""],
];

test("errors have Thanos' types, statuses and words", async () => {
  const server = await startApi(new SourceQuerier(demo()), [], { nowMs: startMs + 30_000 });
  try {
    for (const [path, status, errorType, error] of errors) {
      const answer = await send(`${server.url}/api/v1${path}`);
      const body = json(answer);
      assert.equal(answer.status, status, `${path}: ${answer.body}`);
      assert.equal(body.errorType, errorType, path);
      if (error !== "") assert.equal(body.error, error, path);
      assert.equal(answer.headers["cache-control"], "no-store", path);
    }
  } finally {
    await server.stop();
  }
});

test("the cold routes answer empty as Thanos does", async () => {
  const server = await startApi(new SourceQuerier(demo()));
  try {
    const data = async (path: string) => json(await send(`${server.url}/api/v1${path}`)).data;
    assert.deepEqual(await data("/rules"), { groups: [] });
    assert.deepEqual(await data("/alerts"), { alerts: null });
    assert.deepEqual(await data("/targets"), { activeTargets: [], droppedTargets: [] });
    assert.deepEqual(await data("/metadata"), {});
    assert.deepEqual(await data("/stores"), {});
    assert.deepEqual(await data("/query_exemplars?query=up"), []);
    const flags = (await data("/status/flags")) as Record<string, string>;
    assert.equal(flags["query.timeout"], "2m");
    assert.equal(flags["log.level"], undefined);
    assert.equal(((await data("/status/buildinfo")) as { version: string }).version, "0.1.0");
  } finally {
    await server.stop();
  }
});

test("request parameters reach the source", async () => {
  const querier = new SourceQuerier(demo());
  const server = await startApi(querier, ["--query.replica-label=replica"]);
  try {
    const params =
      'query=up&dedup=false&partial_response=false&storeMatch[]={__address__=~"a.*"}&max_source_resolution=5m&shard_info=' +
      encodeURIComponent('{"shard_index":1,"total_shards":3,"by":true,"labels":["a"]}');
    assert.equal((await send(`${server.url}/api/v1/query?${params}`)).status, 200);
    const { storeMatch, storesWithinMs: _, ...rest } = querier.requests[0]!;
    assert.deepEqual(rest, {
      dedup: false,
      replicaLabels: ["replica"],
      partialResponse: false,
      maxSourceResolutionMs: 300_000,
      shard: { index: 1, total: 3, by: true, labels: ["a"] },
      labelsOnly: false,
    });
    assert.equal(storeMatch[0]![0]!.toString(), '__address__=~"a.*"');
    await send(`${server.url}/api/v1/query?query=up&replicaLabels[]=x&replicaLabels[]=y`);
    assert.deepEqual(querier.requests[1]!.replicaLabels, ["x", "y"]);
  } finally {
    await server.stop();
  }
});

test("prefixes move API and UI, not the probes", async () => {
  const server = await startApi(new SourceQuerier(demo()), ["--web.external-prefix=/x/y"]);
  try {
    assert.equal((await send(`${server.url}/x/y/api/v1/query?query=1`)).status, 200);
    assert.equal((await send(`${server.url}/api/v1/query?query=1`)).status, 404);
    assert.equal((await send(`${server.url}/-/healthy`)).body.toString(), "OK");
    const moved = await send(`${server.url}/`);
    assert.deepEqual([moved.status, moved.headers.location], [302, "/x/y/graph"]);
  } finally {
    await server.stop();
  }
});

/** A source that gives one series after another until it is stopped. */
class EndlessSource extends MemorySource {
  stopped = 0;

  override async *series(
    _: unknown,
    context: { readonly signal: AbortSignal },
  ): AsyncGenerator<SeriesBatch> {
    try {
      for (let i = 0; ; i++) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        context.signal.throwIfAborted();
        const labels = encodeLabels(Labels.from({ __name__: "up", i: String(i).padStart(9, "0") }));
        yield {
          seriesCount: 1,
          labels: () => labels,
          samplesInto: (__, out) => out.pushFloat(startMs, i),
          chunks: null,
        };
      }
    } finally {
      this.stopped = performance.now();
    }
  }
}

test("a query ends at its timeout, at a user's cancel, and when its client leaves", async () => {
  const source = new EndlessSource([]);
  const server = await startApi(new SourceQuerier(source), ["--query.max-concurrent=1"], {
    nowMs: startMs,
  });
  try {
    const begun = performance.now();
    const late = await send(`${server.url}/api/v1/query?query=up&timeout=200ms`);
    assert.deepEqual([late.status, json(late).errorType], [503, "timeout"]);
    assert.ok(performance.now() - begun < 400);

    const running = send(`${server.url}/api/v1/query?query=up`);
    const waiting = send(`${server.url}/api/v1/query?query=1`);
    await new Promise((resolve) => setTimeout(resolve, 60));
    const list = json(await send(`${server.url}/api/v1/status/active_queries`)).data as {
      queries: { id: string; query: string; state: string; series: number }[];
    };
    assert.deepEqual(
      list.queries.map((q) => [q.query, q.state]),
      [
        ["up", "running"],
        ["1", "queued"],
      ],
    );
    assert.ok(list.queries[0]!.series > 0);
    const cancel = `${server.url}/api/v1/status/active_queries/${list.queries[0]!.id}/cancel`;
    const canceled = performance.now();
    assert.equal((await send(cancel, { method: "POST" })).status, 200);
    const ended = await running;
    assert.deepEqual([ended.status, json(ended).errorType], [503, "canceled"]);
    assert.ok(performance.now() - canceled < 100);
    assert.equal((await waiting).status, 200);
    assert.equal((await send(cancel, { method: "POST" })).status, 404);

    const left = request(`${server.url}/api/v1/query?query=up`);
    left.on("error", () => undefined);
    left.end();
    await new Promise((resolve) => setTimeout(resolve, 60));
    source.stopped = 0;
    const gone = performance.now();
    left.destroy();
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.ok(source.stopped > 0 && source.stopped - gone < 100);
  } finally {
    await server.stop();
  }
});

test("tenancy puts the tenant's matcher into queries and selectors", async () => {
  const series = [
    gauge("up", 10, () => 1, { tenant_id: "a" }),
    gauge("up", 10, () => 2, { tenant_id: "b" }),
  ];
  const server = await startApi(
    new SourceQuerier(new MemorySource(series)),
    ["--query.enforce-tenancy"],
    {
      nowMs: startMs + 30_000,
    },
  );
  try {
    const headers = { "THANOS-TENANT": "b" };
    const answer = await send(`${server.url}/api/v1/query?query=sum(up{tenant_id="a"})`, {
      headers,
    });
    assert.deepEqual((json(answer).data as { result: unknown[] }).result, [
      { metric: {}, value: [startMs / 1000 + 30, "2"] },
    ]);
    const values = await send(`${server.url}/api/v1/label/tenant_id/values`, { headers });
    assert.deepEqual(json(values).data, ["b"]);
  } finally {
    await server.stop();
  }
});

test("a query past its byte budget fails alone and says why", async () => {
  const server = await startApi(new SourceQuerier(demo()), ["--query.max-bytes-per-query=1KB"], {
    nowMs: startMs + 30_000,
  });
  try {
    const answer = await send(
      `${server.url}/api/v1/query_range?query=many&start=1700000000&end=1700003000&step=15`,
    );
    assert.equal(answer.status, 422);
    assert.equal(json(answer).errorType, "execution");
    assert.match(String(json(answer).error), /bytes/);
    assert.equal((await send(`${server.url}/api/v1/query?query=1`)).status, 200);
  } finally {
    await server.stop();
  }
});

test("values and names of parameters are read as Go reads them", async () => {
  const server = await startApi(new SourceQuerier(demo()), [], { nowMs: startMs + 30_000 });
  const ask = async (path: string): Promise<[number, string]> => {
    const answer = await send(`${server.url}/api/v1/${path}`);
    return [answer.status, String(json(answer).error ?? "")];
  };
  try {
    assert.deepEqual(await ask("query?query=1&time=0x10"), [
      400,
      `Invalid time value for 'time': cannot parse "0x10" to a valid timestamp`,
    ]);
    assert.deepEqual(await ask("query?query=1&time=0x1p4"), [200, ""]);
    assert.deepEqual(await ask("query?query=1&time=2023-01-01T00:00:00%2B24:00"), [200, ""]);
    assert.deepEqual(await ask("query?query=1&timeout=1e400"), [
      400,
      `cannot parse "1e400" to a valid duration`,
    ]);
    for (const timeout of ["0", "0s", "-1"]) {
      assert.deepEqual(await ask(`query?query=1&timeout=${timeout}`), [
        503,
        "query timed out in query execution",
      ]);
    }
    assert.deepEqual(await ask("labels?limit=9223372036854775807"), [200, ""]);
    assert.deepEqual(await ask("labels?limit=-9223372036854775808"), [
      400,
      "limit must be non-negative",
    ]);
    assert.deepEqual(await ask("label/a%FF%C3%A9%22/values"), [
      400,
      String.raw`invalid label name: "a\xffé\""`,
    ]);
    assert.deepEqual(await ask("label/%EF%BF%BD/values"), [200, ""]);
  } finally {
    await server.stop();
  }
});
