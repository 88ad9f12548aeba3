// A bucket whose configuration file changes while the process runs.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { silentLog } from "@deucalion/base";
import { Registry } from "prom-client";
import { ConfigText } from "../flags/config-text.ts";
import { openConfiguredBucket } from "./open-bucket.ts";

const { signal } = new AbortController();

test("a configuration file that changes is used at the latest when a call fails", async () => {
  const folder = await mkdtemp(join(tmpdir(), "open-bucket-"));
  const path = join(folder, "bucket.yaml");
  const config = (prefix: string): string =>
    JSON.stringify({ type: "FILESYSTEM", config: { directory: folder }, prefix });
  try {
    await writeFile(path, config("one"));
    const source = new ConfigText("objstore.config", path, "", { env: true, required: true });
    const registry = new Registry();
    const bucket = openConfiguredBucket(source.read(), registry, { log: silentLog, source });
    await bucket.upload("o", Buffer.from("1"), {}, signal);
    await writeFile(path, "type: [");
    // No such operation on a folder: fails, and looks at the file.
    await assert.rejects(bucket.get("", signal));
    await writeFile(path, config("two"));
    await assert.rejects(bucket.get("", signal));
    await assert.rejects(bucket.get("o", signal), { code: "OBJSTORE_NOT_FOUND" });
    await bucket.upload("o", Buffer.from("22"), {}, signal);
    await bucket.close();
    const inOne = openConfiguredBucket(config("one"), new Registry());
    assert.equal((await inOne.get("o", signal)).length, 1);
    await inOne.close();
    const text = await registry.metrics();
    assert.match(text, /^deucalion_objstore_config_reloads_total\{result="success"\} 1$/m);
    assert.match(text, /^deucalion_objstore_config_reloads_total\{result="error"\} 1$/m);
    const at = /^thanos_objstore_bucket_last_successful_upload_time\{.*\} ([0-9.e+]+)$/m.exec(text);
    assert.ok(Math.abs(Number(at?.[1]) - Date.now() / 1000) < 60);
  } finally {
    await rm(folder, { recursive: true });
  }
});
