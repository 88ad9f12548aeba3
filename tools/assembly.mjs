// Compiles the AssemblyScript twins of kernels into modules that are committed. Not part of a build: the compiler is given
// by its path, `node tools/assembly.mjs path/to/asc`; assemblyscript 0.28.20 made the modules that are there.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const asc = process.argv[2];
if (asc === undefined) throw new Error("usage: node tools/assembly.mjs path/to/asc");
const kernels = fileURLToPath(new URL("../lib/kernels", import.meta.url));
const work = mkdtempSync(join(tmpdir(), "assembly-"));
for (const file of readdirSync(join(kernels, "assembly"))) {
  if (!file.endsWith(".ts")) continue;
  const name = file.slice(0, -3);
  const source = readFileSync(join(kernels, "assembly", file));
  const out = join(work, `${name}.wasm`);
  const options = [
    "-O3",
    "--noAssert",
    "--runtime",
    "stub",
    "--importMemory",
    "--memoryBase",
    "16384",
  ];
  execFileSync(asc, [join("assembly", file), "-o", out, ...options], {
    cwd: kernels,
    stdio: "inherit",
  });
  const hash = createHash("sha256").update(source).digest("hex");
  const text = [
    `// Made of assembly/${file} by tools/assembly.mjs; do not edit.`,
    `/** SHA-256 of the source. */`,
    `export const sourceHash = "${hash}";`,
    `/** The module, in base64. */`,
    `export const moduleText =`,
    `  "${readFileSync(out).toString("base64")}";`,
    "",
  ].join("\n");
  writeFileSync(join(kernels, "src/memory", `${name}.wasm.ts`), text);
}
rmSync(work, { recursive: true });
