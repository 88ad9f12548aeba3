import assert from "node:assert/strict";
import { test } from "node:test";
import { MemorySource } from "@deucalion/model/testing";
import { startApi } from "../../query/testing/api-server.ts";
import { SourceQuerier } from "../../query/testing/source-querier.ts";
import { findUi } from "./ui-routes.ts";

const built = (await findUi()) !== null;

test("pages carry the server's values, files are compressed and cached", {
  skip: !built,
}, async () => {
  const server = await startApi(new SourceQuerier(new MemorySource([])), [
    "--web.prefix-header=X-Prefix",
    "--alert.query-url=http://q/</script><script>alert(1)",
  ]);
  try {
    for (const page of ["/", "/graph", "/stores", "/alerts", "/tsdb-status"]) {
      const answer = await fetch(server.url + page, {
        headers: { "x-prefix": "http://h/a/../b/" },
      });
      const html = await answer.text();
      assert.equal(answer.headers.get("content-type"), "text/html; charset=utf-8");
      const config = /<script[^>]*id="deucalion-config"[^>]*>([^<]*)<\/script>/.exec(html)![1]!;
      assert.deepEqual(JSON.parse(config), {
        pathPrefix: "/a/b",
        component: "query",
        queryUrl: "http://q/</script><script>alert(1)",
        tenantHeader: "THANOS-TENANT",
        defaultTenant: "default-tenant",
        displayTenantBox: false,
      });
      const script = /src="\.(\/assets\/[^"]+\.js)"/.exec(html)![1]!;
      const asset = await fetch(server.url + script, { headers: { "accept-encoding": "br" } });
      assert.equal(asset.status, 200);
      assert.equal(asset.headers.get("content-type"), "text/javascript; charset=utf-8");
      assert.match(asset.headers.get("cache-control")!, /immutable/);
      assert.ok((await asset.text()).length > 1000);
    }
    for (const wrong of [
      "/assets/nothing.js",
      "/assets/../index.html.gz",
      "/assets/%2e%2e/package.json",
    ]) {
      assert.equal((await fetch(server.url + wrong)).status, 404, wrong);
    }
  } finally {
    await server.stop();
  }
});
