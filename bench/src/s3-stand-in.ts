// A minimal S3 server over many copies of one small block, each answer late by some ms: `node s3-stand-in.js <folder> <copies> <ms>`.
// Prints its address; `/stats` gives the requests since the last time it was asked.
import { readFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

const [folder = "", copiesText = "1", latencyText = "0"] = process.argv.slice(2);
const copies = Number(copiesText);
const latencyMs = Number(latencyText);
const pageMax = 1000;
const modified = "Mon, 01 Jan 2024 00:00:00 GMT";
const hourMs = 3_600_000;

const files = new Map(
  ["chunks/000001", "index"].map((name) => [name, readFileSync(join(folder, name))]),
);
const template = JSON.parse(readFileSync(join(folder, "meta.json"), "utf8")) as {
  minTime: number;
  compaction: object;
  thanos: object;
};

/** Copies are days of ten clusters; ULIDs ascend. */
const idOf = (i: number): string => `01HK00000000000000000${String(i).padStart(5, "0")}`;
const indexOf = new Map(Array.from({ length: copies }, (_, i) => [idOf(i), i]));

function meta(i: number): Buffer {
  const minTime = template.minTime + Math.floor(i / 10) * 2 * hourMs;
  const ulid = idOf(i);
  return Buffer.from(
    JSON.stringify({
      ...template,
      ulid,
      minTime,
      maxTime: minTime + 2 * hourMs,
      compaction: { ...template.compaction, sources: [ulid] },
      thanos: { ...template.thanos, labels: { cluster: `c${i % 10}` } },
    }),
  );
}

function objectOf(key: string): Buffer | undefined {
  const slash = key.indexOf("/");
  const i = indexOf.get(key.slice(0, slash));
  if (i === undefined) return undefined;
  const name = key.slice(slash + 1);
  return name === "meta.json" ? meta(i) : files.get(name);
}

/** All keys in order. */
const keys: { readonly key: string; readonly size: number }[] = [];
for (let i = 0; i < copies; i++) {
  for (const [name, data] of files) keys.push({ key: `${idOf(i)}/${name}`, size: data.length });
  keys.push({ key: `${idOf(i)}/meta.json`, size: meta(i).length });
}

/** A page of a listing: keys, or with a delimiter the folders that they lie in. */
function list(query: URLSearchParams): string {
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  const after = query.get("continuation-token") ?? "";
  const entries: string[] = [];
  let last = "";
  let next = "";
  for (const { key, size } of keys) {
    if (!key.startsWith(prefix)) continue;
    const cut = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    const name = cut < 0 ? key : key.slice(0, cut + 1);
    if (name === last || name <= after) continue;
    if (entries.length === pageMax) {
      next = last;
      break;
    }
    last = name;
    entries.push(
      cut < 0
        ? `<Contents><Key>${name}</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified><ETag>"1"</ETag><Size>${size}</Size><StorageClass>STANDARD</StorageClass></Contents>`
        : `<CommonPrefixes><Prefix>${name}</Prefix></CommonPrefixes>`,
    );
  }
  const more =
    next === ""
      ? "<IsTruncated>false</IsTruncated>"
      : `<IsTruncated>true</IsTruncated><NextContinuationToken>${next}</NextContinuationToken>`;
  return `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>blocks</Name><Prefix>${prefix}</Prefix><MaxKeys>${pageMax}</MaxKeys><KeyCount>${entries.length}</KeyCount>${more}${entries.join("")}</ListBucketResult>`;
}

const counts = { list: 0, head: 0, get: 0 };

function answer(method: string, url: URL, range: string | undefined, out: ServerResponse): void {
  const key = decodeURIComponent(url.pathname).replace(/^\/blocks\/?/, "");
  if (key === "") {
    counts.list++;
    const text = list(url.searchParams);
    out.writeHead(200, { "content-type": "application/xml", "content-length": text.length });
    out.end(text);
    return;
  }
  counts[method === "HEAD" ? "head" : "get"]++;
  const data = objectOf(key);
  if (data === undefined) {
    const text = `<Error><Code>NoSuchKey</Code><Message>none</Message><Key>${key}</Key></Error>`;
    out.writeHead(404, { "content-type": "application/xml", "content-length": text.length });
    out.end(method === "HEAD" ? undefined : text);
    return;
  }
  const about = { etag: '"1"', "last-modified": modified, "accept-ranges": "bytes" };
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(range ?? "") ?? [];
  if (from === undefined) {
    out.writeHead(200, { ...about, "content-length": data.length });
    out.end(method === "HEAD" ? undefined : data);
    return;
  }
  const start = from === "" ? Math.max(0, data.length - Number(to)) : Number(from);
  const end = from === "" || to === "" ? data.length : Math.min(data.length, Number(to) + 1);
  if (start >= data.length) {
    out.writeHead(416, { "content-length": 0 }).end();
    return;
  }
  out.writeHead(206, {
    ...about,
    "content-length": end - start,
    "content-range": `bytes ${start}-${end - 1}/${data.length}`,
  });
  out.end(method === "HEAD" ? undefined : data.subarray(start, end));
}

const server = createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://local");
  if (url.pathname === "/stats") {
    response.end(JSON.stringify(counts));
    counts.list = counts.head = counts.get = 0;
    return;
  }
  request.resume();
  setTimeout(
    () => answer(request.method ?? "GET", url, request.headers.range, response),
    latencyMs,
  );
});
server.keepAliveTimeout = 120_000;
server.listen(0, "127.0.0.1", () => {
  console.log(`127.0.0.1:${(server.address() as AddressInfo).port}`);
});
