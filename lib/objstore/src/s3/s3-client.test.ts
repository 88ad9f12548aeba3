// Which machines the S3 client asks, for each kind of settings; nothing is sent.
import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLog } from "@deucalion/base";
import { createAgents } from "../http/agents.ts";
import { createS3Client } from "./s3-client.ts";
import { readAliyunConfig, readBosConfig, readCosConfig, readObsConfig } from "./s3-compatible.ts";
import { readS3Config, type S3Options } from "./s3-config.ts";

const keys = { access_key: "id", secret_key: "secret" };
const secrets = { secret_id: "id", secret_key: "secret" };
const s3 = (settings: Record<string, unknown>) =>
  readS3Config({ bucket: "metrics", ...keys, ...settings });

/** Host, path and kind of signature of a read of `a/b`. */
async function asked(options: S3Options): Promise<string> {
  const agents = createAgents(options.http);
  const { sdk, client } = await createS3Client(options, { agents, component: "x", log: silentLog });
  let seen = "";
  client.middlewareStack.add(
    () => (args) => {
      const { hostname, path, headers } = args.request as {
        hostname: string;
        path: string;
        headers: Record<string, string>;
      };
      seen = `${hostname} ${path} ${headers.authorization?.split(" ")[0]}`;
      throw new Error("seen");
    },
    { step: "finalizeRequest", priority: "low" },
  );
  const Bucket = options.endpointIsBucket ? options.endpoint : options.bucket;
  await assert.rejects(client.send(new sdk.GetObjectCommand({ Bucket, Key: "a/b" })), /seen/);
  client.destroy();
  agents.close();
  return seen;
}

const v4 = "AWS4-HMAC-SHA256";
const cases: [string, S3Options, string][] = [
  [
    "Amazon, dual stack",
    s3({ endpoint: "s3.eu-west-1.amazonaws.com" }),
    `metrics.s3.dualstack.eu-west-1.amazonaws.com /a/b ${v4}`,
  ],
  [
    "Amazon, without dual stack",
    s3({ endpoint: "s3.amazonaws.com", region: "us-west-2", disable_dualstack: true }),
    `metrics.s3.us-west-2.amazonaws.com /a/b ${v4}`,
  ],
  ["others", s3({ endpoint: "store.local:9000" }), `store.local /metrics/a/b ${v4}`],
  [
    "virtual hosts and signature 2",
    s3({ endpoint: "store.local", bucket_lookup_type: "virtual-hosted", signature_version2: true }),
    "metrics.store.local /a/b AWS",
  ],
  [
    "COS",
    readCosConfig({ bucket: "metrics", app_id: "125", region: "ap-x", ...secrets }),
    `metrics-125.cos.ap-x.myqcloud.com /a/b ${v4}`,
  ],
  [
    "COS with an endpoint",
    readCosConfig({ endpoint: "https://m-125.cos.ap-x.myqcloud.com", ...secrets }),
    `m-125.cos.ap-x.myqcloud.com /a/b ${v4}`,
  ],
  [
    "ALIYUNOSS",
    readAliyunConfig({
      endpoint: "oss-cn-hangzhou-internal.aliyuncs.com",
      bucket: "metrics",
      access_key_id: "id",
      access_key_secret: "secret",
    }),
    `metrics.oss-cn-hangzhou-internal.aliyuncs.com /a/b ${v4}`,
  ],
  [
    "BOS",
    readBosConfig({ endpoint: "bj.bcebos.com", bucket: "metrics", ...keys }),
    `metrics.s3.bj.bcebos.com /a/b ${v4}`,
  ],
  [
    "OBS",
    readObsConfig({ endpoint: "obs.cn-north-4.myhuaweicloud.com", bucket: "metrics", ...keys }),
    `metrics.obs.cn-north-4.myhuaweicloud.com /a/b ${v4}`,
  ],
];
for (const [name, options, want] of cases) {
  test(`createS3Client() asks the right machine: ${name}`, async () => {
    assert.equal(await asked(options), want);
  });
}
