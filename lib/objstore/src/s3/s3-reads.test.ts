// Reads without the SDK: signed as Amazon documents it, to the machine that the SDK would ask.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { openBucket, parseBucketConfig } from "../config/bucket-config.ts";
import { parseList } from "./parse-list.ts";
import { readAliyunConfig, readBosConfig, readCosConfig } from "./s3-compatible.ts";
import { readS3Config } from "./s3-config.ts";
import { objectsUrl } from "./s3-reads.ts";
import { amzDate, emptyBodyHash, encodeKey, SignerV4 } from "./sign-v4.ts";

const { signal } = new AbortController();

test("SignerV4 gives the signature of Amazon's example", () => {
  const identity = {
    accessKeyId: "AKIAIOSFODNN7EXAMPLE",
    secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  };
  const headers = {
    host: "examplebucket.s3.amazonaws.com",
    range: "bytes=0-9",
    "x-amz-content-sha256": emptyBodyHash,
    "x-amz-date": amzDate(Date.UTC(2013, 4, 24)),
  };
  assert.equal(
    new SignerV4("us-east-1").sign("GET", "/test.txt", "", headers, identity),
    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
  );
  assert.equal(encodeKey("a b/c(1)!'*~-_.é"), "a%20b/c%281%29%21%27%2A~-_.%C3%A9");
});

test("parseList() reads objects, folders and where the list goes on", () => {
  const object = (key: string): string =>
    `<Contents><Key>${key}</Key><LastModified>2024-01-02T03:04:05.000Z</LastModified><Size>7</Size></Contents>`;
  const list = (inner: string): string =>
    `<?xml version="1.0"?>\n<ListBucketResult xmlns="x"><Name>b</Name><Prefix>p</Prefix>${inner}</ListBucketResult>\n`;
  const attributes = { size: 7, lastModifiedMs: Date.UTC(2024, 0, 2, 3, 4, 5) };
  assert.deepEqual(
    parseList(
      list(
        `<IsTruncated>true</IsTruncated><NextContinuationToken>a&amp;b</NextContinuationToken>${object("x/1")}${object("&lt;&#233;&#xe9;&gt;")}<CommonPrefixes><Prefix>y/</Prefix></CommonPrefixes>`,
      ),
    ),
    {
      objects: [
        { name: "x/1", attributes },
        { name: "<éé>", attributes },
      ],
      folders: ["y/"],
      next: "a&b",
    },
  );
  assert.deepEqual(parseList(list("<IsTruncated>false</IsTruncated>")), {
    objects: [],
    folders: [],
    next: undefined,
  });
  assert.equal(parseList(list(object("x")).slice(0, -20)), undefined, "cut off");
  assert.equal(parseList(list("<IsTruncated>true</IsTruncated>")), undefined);
  assert.equal(parseList("<Error><Code>SlowDown</Code></Error>"), undefined);
});

test("objectsUrl() names the machine that the SDK asks, or leaves it to the SDK", () => {
  const keys = { access_key: "id", secret_key: "secret" };
  const s3 = (settings: Record<string, unknown>) =>
    objectsUrl(readS3Config({ bucket: "metrics", ...keys, ...settings }));
  assert.equal(
    s3({ endpoint: "s3.eu-west-1.amazonaws.com" }),
    "https://metrics.s3.dualstack.eu-west-1.amazonaws.com",
  );
  assert.equal(
    s3({ endpoint: "s3.amazonaws.com", region: "us-west-2", disable_dualstack: true }),
    "https://metrics.s3.us-west-2.amazonaws.com",
  );
  assert.equal(s3({ endpoint: "s3.amazonaws.com", bucket: "a.b" }), undefined);
  assert.equal(s3({ endpoint: "s3.amazonaws.com", region: "cn-north-1" }), undefined);
  assert.equal(s3({ endpoint: "store:9000", insecure: true }), "http://store:9000/metrics");
  assert.equal(
    s3({ endpoint: "store:9000", bucket_lookup_type: "virtual-hosted" }),
    "https://metrics.store:9000",
  );
  const cos = { endpoint: "https://m-125.cos.ap-x.myqcloud.com", secret_id: "i", secret_key: "s" };
  assert.equal(objectsUrl(readCosConfig(cos)), "https://m-125.cos.ap-x.myqcloud.com");
  const aliyun = { bucket: "metrics", access_key_id: "i", access_key_secret: "s" };
  assert.equal(
    objectsUrl(readAliyunConfig({ ...aliyun, endpoint: "oss-cn-hangzhou.aliyuncs.com" })),
    "https://metrics.oss-cn-hangzhou.aliyuncs.com",
  );
  assert.equal(
    objectsUrl(readBosConfig({ endpoint: "bj.bcebos.com", bucket: "metrics", ...keys })),
    "https://metrics.s3.bj.bcebos.com",
  );
});

test("plain answers need no SDK; others are asked for again with it", async () => {
  const agents: string[] = [];
  let refused = 0;
  const server = createServer((request, response) => {
    const agent = request.headers["user-agent"] ?? "";
    agents.push(agent.includes("aws-sdk") ? "sdk" : agent);
    if (refused-- > 0) {
      response.writeHead(403, { "content-length": 0 }).end();
      return;
    }
    const missing = request.url?.includes("missing") === true;
    const bucketMissing = request.url?.includes("nobucket") === true;
    const code = bucketMissing ? "NoSuchBucket" : "NoSuchKey";
    const body = missing || bucketMissing ? `<Error><Code>${code}</Code></Error>` : "data";
    response.writeHead(missing || bucketMissing ? 404 : 200, { "content-length": body.length });
    response.end(request.method === "HEAD" ? undefined : body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const bucket = openBucket(
    parseBucketConfig({
      type: "S3",
      config: {
        ...{ bucket: "metrics", endpoint: `127.0.0.1:${port}`, insecure: true, region: "r" },
        ...{ access_key: "id", secret_key: "secret", max_retries: 1 },
      },
    }),
    { component: "store" },
  );
  const seen = (): string[] => agents.splice(0);
  try {
    assert.equal((await bucket.get("o", signal)).length, 4);
    assert.equal((await bucket.attributes("o", signal)).size, 4);
    assert.equal(await bucket.exists("missing", signal), false);
    await assert.rejects(bucket.get("missing", signal), { code: "OBJSTORE_NOT_FOUND" });
    assert.deepEqual(seen(), new Array(4).fill("thanos-store deucalion"));
    refused = 1;
    assert.equal((await bucket.get("o", signal)).length, 4);
    assert.deepEqual(seen(), ["thanos-store deucalion", "sdk"]);
    refused = 2;
    await assert.rejects(bucket.get("o", signal), { code: "OBJSTORE_IO" });
    await assert.rejects(bucket.get("nobucket", signal), {
      code: "OBJSTORE_IO",
      message: /NoSuchBucket/,
    });
  } finally {
    await bucket.close();
    server.close();
  }
});
