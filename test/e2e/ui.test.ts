// The UI in a real browser, over the quickstart and over a querier whose stores fail.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Browser, chromium, type Page } from "playwright-core";
import {
  chromiumBinary,
  conformanceRoot,
  deucalion,
  freePort,
  type Running,
} from "../support/mod.ts";
import { Cluster } from "../support/recorded-answers.ts";

const launchArgs = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-quic",
  "--no-first-run",
];

/** Opens a page that fails the test on console errors, exceptions, and requests to other hosts. */
async function openPage(browser: Browser, base: string, problems: string[]): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
  page.on("console", (message) => {
    if (
      message.type() === "error" &&
      !message.text().includes("the server responded with a status of 4")
    ) {
      problems.push(`console: ${message.text()}`);
    }
  });
  page.on("pageerror", (error) => problems.push(`exception: ${error.message}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(base) && !request.url().startsWith("data:"))
      problems.push(`request to ${request.url()}`);
  });
  return page;
}

describe("UI", { timeout: 180_000 }, () => {
  const problems: string[] = [];
  let browser: Browser;
  let quickstart: Running;
  let folder: string;
  let base: string;

  before(async () => {
    browser = await chromium.launch({ executablePath: chromiumBinary(), args: launchArgs });
    folder = mkdtempSync(join(tmpdir(), "deucalion-ui-"));
    base = `http://127.0.0.1:${await freePort()}`;
    quickstart = deucalion("quickstart", [
      "quickstart",
      `--data-dir=${folder}`,
      `--http-address=${base.slice("http://".length)}`,
      "--no-discover",
    ]);
    await quickstart.ready(`${base}/-/ready`);
  });

  after(async () => {
    await browser.close();
    assert.equal(await quickstart.stop(), 0);
    rmSync(folder, { recursive: true, force: true });
  });

  test("greets, runs a query on Enter, keeps it in the address", async () => {
    const page = await openPage(browser, base, problems);
    await page.goto(`${base}/`);
    await page.getByTestId("greeting").waitFor();
    assert.match(await page.getByTestId("greeting").innerText(), /replica/);
    await page.locator(".cm-content").first().click();
    await page.keyboard.type("count by (cluster) (up)");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Enter");
    await page.getByTestId("result-row").first().waitFor();
    assert.equal(await page.getByTestId("result-row").count(), 2);
    assert.match(page.url(), /count/);
    await page.reload();
    await page.getByTestId("result-row").first().waitFor();
    assert.equal(await page.getByTestId("result-row").count(), 2);
    await page.close();
  });

  test("completes metric names from the server", async () => {
    const page = await openPage(browser, base, problems);
    await page.goto(`${base}/`);
    await page.locator(".cm-content").first().click();
    await page.keyboard.type("http_requ");
    const suggestion = page.locator(".cm-tooltip-autocomplete li", {
      hasText: "http_requests_total",
    });
    await suggestion.waitFor({ timeout: 5000 });
    await page.close();
  });

  test("shows holes of the replicas alone and none when they are merged", async () => {
    const page = await openPage(browser, base, problems);
    const links = [...quickstart.output.matchAll(/http:\/\/\S+\/graph\?\S+/g)].map(
      (found) => found[0],
    );
    assert.equal(links.length, 2, quickstart.output);
    await page.goto(links[0]!);
    await page.getByTestId("graph").waitFor();
    await page.locator(".legend-row").nth(1).waitFor();
    assert.equal(await page.locator(".legend-row").count(), 2);
    await page.goto(links[1]!);
    await page.getByTestId("graph").waitFor();
    await page.locator(".legend-row").first().waitFor();
    assert.equal(await page.locator(".legend-row").count(), 1);
    await page.close();
  });

  test("opens old links of Thanos and Prometheus, and the stores page", async () => {
    const page = await openPage(browser, base, problems);
    // Whatever the hour, a replica of the demo may be in an outage just now.
    const seen = encodeURIComponent("last_over_time(up[2h])");
    await page.goto(`${base}/graph?g0.expr=${seen}&g0.tab=1&g0.deduplicate=0`);
    await page.getByTestId("result-row").first().waitFor();
    assert.equal(await page.getByTestId("result-row").count(), 12);
    await page.goto(`${base}/graph?g0.expr=up&g0.tab=graph&g0.res_type=auto`);
    await page.getByTestId("graph").waitFor();
    await page.goto(`${base}/stores`);
    await page.getByTestId("store-row").first().waitFor();
    assert.match(await page.getByTestId("store-row").first().innerText(), /cluster/);
    await page.close();
  });

  test("says a syntax error in words and marks hostile labels as text", async () => {
    const page = await openPage(browser, base, problems);
    await page.goto(`${base}/graph?g0.expr=${encodeURIComponent("sum(")}&g0.tab=1`);
    await page.getByTestId("query-error").waitFor();
    assert.match(await page.getByTestId("query-error").innerText(), /1:5/);
    const hostile = `label_replace(vector(1), "x", "<img src=x onerror=alert(1)>", "", "")`;
    await page.goto(`${base}/graph?g0.expr=${encodeURIComponent(hostile)}&g0.tab=1`);
    await page.getByTestId("result-row").first().waitFor();
    assert.match(await page.getByTestId("result-row").first().innerText(), /<img src=x/);
    assert.equal(await page.locator("img[src=x]").count(), 0);
    await page.close();
  });

  test("a store that cannot be reached makes the answer incomplete, by name", async (t) => {
    const cluster = await Cluster.start(join(conformanceRoot, "blocks/ha/bucket"));
    t.after(() => cluster.stop());
    const nobody = `127.0.0.1:${await freePort()}`;
    const querier = await cluster.querier([
      `--endpoint=${nobody}`,
      "--query.replica-label=replica",
      "--endpoint.info-timeout=1s",
    ]);
    const page = await openPage(browser, querier, problems);
    await page.goto(`${querier}/graph?g0.expr=up&g0.tab=1&g0.moment_input=2024-01-02%2001:00:00`);
    await page.getByTestId("partial-bar").waitFor();
    assert.ok((await page.getByTestId("partial-bar").innerText()).includes(nobody));
    await page.goto(`${querier}/stores`);
    const row = page.getByTestId("store-row").filter({ hasText: nobody });
    await row.waitFor();
    assert.equal(await page.getByTestId("store-row").count(), 2);
    await page.close();
  });

  test("nothing went wrong in the background", () => {
    assert.deepEqual(problems, []);
  });
});
