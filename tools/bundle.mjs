// Bundles the compiled executable into app/dist/bundle: one script instead of several hundred modules, and beside it
// what V8 compiled while each service started (a code cache), so that the next start compiles nothing.
// `main.js` loads both; an argument names another folder beside app/dist/bundle.
// Commands stay in parts of the script that run when they are asked for. What a module finds beside itself
// (`import.meta.url`: workers, package.json, files of the UI) is still looked for beside the original file.
import { createHash } from "node:crypto";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { warmCaches } from "./warm-caches.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const outDir = join(root, "app/dist", process.argv[2] ?? "bundle");

/** Makes `import.meta` go on meaning the original module. All files of the bundle lie in `outDir`. */
const originalUrls = {
  name: "original-urls",
  transform: {
    filter: { code: "import.meta." },
    handler(code, id) {
      const original = JSON.stringify(relative(outDir, id).split(sep).join("/"));
      // Threads that run a part of the script.
      const there = workers
        .reduce(
          (text, worker) =>
            text.replaceAll(
              `new URL("./${worker}.js", import.meta.url)`,
              `bundled.worker("${worker}")`,
            ),
          code,
        )
        .replaceAll("import.meta.url", `bundled.url(${original})`)
        .replaceAll("import.meta.resolve(", `bundled.resolve(${original}, `);
      return { code: there, map: null };
    },
  },
};

/** Entries that run in threads, by the names of their files. */
const entries = {
  "block-worker": "lib/blocks/dist/src/compact/block-worker.js",
  "query-worker": "app/dist/src/query/workers/query-worker.js",
};
const workers = Object.keys(entries);

const { rolldown } = await import("rolldown");
const bundle = await rolldown({
  input: {
    main: join(root, "app/dist/src/main.js"),
    ...Object.fromEntries(workers.map((name) => [name, join(root, entries[name])])),
  },
  platform: "node",
  // Optional packages are looked for when they are needed.
  external: [/^@aws-sdk\//, /^google-auth-library$/, /^ioredis$/, /^@deucalion\/ui/],
  plugins: [originalUrls],
  // Libraries do nothing when they are loaded, so a command takes only those of their modules that it uses.
  treeshake: { moduleSideEffects: [{ test: /\/(?:lib\/[a-z]+|app)\/dist\//, sideEffects: false }] },
  logLevel: "warn",
});
const { output } = await bundle.generate({
  dir: outDir,
  format: "cjs",
  entryFileNames: "[name].js",
  chunkFileNames: "[name]-[hash].js",
});
await bundle.close();

/** What a part gives to others never changes once it has run, so a plain property does, which is read faster. */
const plainExports = (code) =>
  code.replaceAll(
    /^Object\.defineProperty\(exports, ("[^"]+"), \{\s+enumerable: true,\s+get: function\(\) \{\s+return ([\w$]+);\s+\}\s+\}\);$/gm,
    "exports[$1] = $2;",
  );

/** What is imported at run time comes through the entry. */
const imports = (code) =>
  code.replaceAll(/(?<![\w$.])import\("([^"]+)"\)/g, 'bundled.import("$1")');

/** One byte for each character in the file and in memory. */
const oneByte = (code) =>
  code.replaceAll(/[^\0-\u00ff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);

const parts = output
  .filter(({ type }) => type === "chunk")
  .map(
    ({ fileName, code }) =>
      `${JSON.stringify(`./${fileName}`)}(exports, require) {\n${imports(plainExports(code))}\n}`,
  );
const script = oneByte(`(function (bundled) { return {\n${parts.join(",\n")}\n}; })`);
const name = `deucalion-${createHash("sha256").update(script).digest("hex").slice(0, 12)}`;
const loader = readFileSync(join(root, "tools/bundle-main.cjs"), "utf8").replaceAll("@name@", name);

/** Whoever starts meanwhile finds the old file or the new one. */
function write(file, data, encoding) {
  const target = join(outDir, file);
  writeFileSync(`${target}.${process.pid}`, data, encoding);
  renameSync(`${target}.${process.pid}`, target);
}

mkdirSync(outDir, { recursive: true });
write(`${name}.js`, script, "latin1");
write(`${name}.cjs`, loader);
for (const worker of workers) write(`${name}.${worker}.cjs`, loader);
await warmCaches(join(outDir, name));
write("package.json", '{ "type": "commonjs" }\n');
write("main.js", loader);

// A process that starts now may have read an older main.js: what that names stays for a day.
for (const file of readdirSync(outDir)) {
  const old = Date.now() - statSync(join(outDir, file)).mtimeMs > 86_400_000;
  if (file !== "main.js" && file !== "package.json" && !file.startsWith(name) && old) {
    rmSync(join(outDir, file));
  }
}
