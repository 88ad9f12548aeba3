// Tests of the built app: how much is sent at first, what stands beside each file, and what must not be in it.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync, gunzipSync } from "node:zlib";

// This file runs from ui/unit/dist.
const ui = fileURLToPath(new URL("../..", import.meta.url));
const dist = join(ui, "dist");
const assets = join(dist, "assets");
const html = readFileSync(join(dist, "index.html"), "utf8");

/** Scripts that the page loads before it shows anything. */
function initialScripts(): string[] {
  return [...html.matchAll(/(?:src|href)="\.\/assets\/([^"]+\.js)"/g)].map((m) => m[1] ?? "");
}

test("the page loads at most 60 KB of compressed script before it shows anything", () => {
  const scripts = initialScripts();
  assert.ok(scripts.length > 0);
  const bytes = scripts.reduce((n, name) => n + readFileSync(join(assets, `${name}.gz`)).length, 0);
  assert.ok(bytes <= 60 * 1024, `${bytes} bytes in ${scripts.join(", ")}`);
});

test("the page has its place for the server's values, only relative addresses, and no inline script", () => {
  assert.match(html, /<script type="application\/json" id="deucalion-config">\{\}<\/script>/);
  assert.doesNotMatch(html, /(?:src|href)="(?!\.\/)/);
  const inline = [...html.matchAll(/<script([^>]*)>([^<]*)/g)].filter(
    (m) => (m[2] ?? "").trim() !== "" && !(m[1] ?? "").includes("application/json"),
  );
  assert.deepEqual(inline, []);
});

test("each text asset has its .gz and .br beside it, with the same content", () => {
  const names = readdirSync(assets).filter((name) => /\.(?:js|css|svg)$/.test(name));
  assert.ok(names.length > 5);
  for (const name of names) {
    const plain = readFileSync(join(assets, name));
    assert.ok(gunzipSync(readFileSync(join(assets, `${name}.gz`))).equals(plain), name);
    assert.ok(brotliDecompressSync(readFileSync(join(assets, `${name}.br`))).equals(plain), name);
    assert.match(name, /-[\w-]{8}\.\w+$/, "hashed");
  }
});

test("no bundle needs Node's built-ins or another host", () => {
  for (const name of readdirSync(assets).filter((n) => n.endsWith(".js"))) {
    const text = readFileSync(join(assets, name), "utf8");
    assert.doesNotMatch(text, /from\s*["'](?:node:|[a-z@])/, name);
    assert.doesNotMatch(text, /require\(["']node:/, name);
  }
});

test("no source of ours writes HTML", () => {
  const walk = (dir: string): string[] =>
    readdirSync(dir, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? walk(join(dir, entry.name)) : [join(dir, entry.name)],
    );
  assert.ok(existsSync(join(ui, "src")));
  for (const file of walk(join(ui, "src")).filter(
    (f) => /\.tsx?$/.test(f) && !f.includes(".test."),
  )) {
    const text = readFileSync(file, "utf8");
    assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|document\.write/i, file);
  }
});
