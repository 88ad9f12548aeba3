// Bundles the compiled executable into app/dist/bundle: one file instead of several hundred makes it start faster.
// Commands stay in files of their own, loaded when they run. What a module finds beside itself (`import.meta.url`:
// workers, package.json, files of the UI) is still looked for beside the original file.
import { readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const outDir = join(root, "app/dist/bundle");

/** Makes `import.meta.url` go on naming the original module. All files of the bundle lie in `outDir`. */
const originalUrls = {
  name: "original-urls",
  transform: {
    filter: { code: "import.meta.url" },
    handler(code, id) {
      const original = relative(outDir, id).split(sep).join("/");
      const url = `new URL(${JSON.stringify(original)}, import.meta.url).href`;
      return { code: code.replaceAll("import.meta.url", url), map: null };
    },
  },
};

const { rolldown } = await import("rolldown");
const bundle = await rolldown({
  input: join(root, "app/dist/src/main.js"),
  platform: "node",
  // Optional packages are looked for when they are needed.
  external: [/^@aws-sdk\//, /^google-auth-library$/, /^ioredis$/, /^@deucalion\/ui/],
  plugins: [originalUrls],
  // Libraries do nothing when they are loaded, so a command takes only those of their modules that it uses.
  treeshake: { moduleSideEffects: [{ test: /\/(?:lib\/[a-z]+|app)\/dist\//, sideEffects: false }] },
  logLevel: "warn",
});
const { output } = await bundle.write({
  dir: outDir,
  format: "esm",
  entryFileNames: "main.js",
  chunkFileNames: "[name]-[hash].js",
  sourcemap: true,
});
await bundle.close();

// A process that still runs may load parts of an older bundle: those stay for a day.
const written = new Set(output.map(({ fileName }) => fileName));
for (const name of readdirSync(outDir)) {
  const file = join(outDir, name);
  if (!written.has(name) && Date.now() - statSync(file).mtimeMs > 86_400_000) rmSync(file);
}
