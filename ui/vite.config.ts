// How the browser app is bundled: relative URLs, hashed assets, and a .br and a .gz beside each of them.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

const compressible = /\.(?:js|css|svg|json|webmanifest)$/;

/** Writes `x.br` and `x.gz` beside each text asset, so that the server never compresses them again. */
function precompress(): Plugin {
  let outDir = "dist";
  return {
    name: "deucalion-precompress",
    apply: "build",
    configResolved(config) {
      outDir = join(config.root, config.build.outDir);
    },
    closeBundle() {
      const walk = (dir: string): void => {
        for (const name of readdirSync(dir)) {
          const file = join(dir, name);
          if (statSync(file).isDirectory()) walk(file);
          else if (compressible.test(name)) {
            const bytes = readFileSync(file);
            writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
            const params = {
              [constants.BROTLI_PARAM_QUALITY]: 10,
              [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
            };
            writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params }));
          }
        }
      };
      walk(outDir);
    },
  };
}

// Vite asks for a default export here; nothing else in the project has one.
export default defineConfig({
  base: "./",
  root: import.meta.dirname,
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 700,
  },
  plugins: [precompress()],
});
