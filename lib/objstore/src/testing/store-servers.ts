// Starts real object stores for tests: moto (S3), Azurite (Azure), a GCS emulator. They come from the package
// registries into `.cache/stores` of the checkout and stay there; a test that cannot get its server fails.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "@deucalion/base/testing";

// dist/src/testing of lib/objstore, five folders below the root.
const root = join(dirname(fileURLToPath(import.meta.url)), "../../../../..");
const cache = join(root, ".cache/stores");
const startMs = 60_000;

export interface StoreServer {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** Process id, for tests that stop and continue it. */
  readonly pid: number;
  close(): Promise<void>;
}

/** Fills a folder of the cache once, however many tests ask at the same time. */
function installed(name: string, fill: (folder: string) => void): string {
  const folder = join(cache, name);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  const scratch = mkdtempSync(join(cache, `.${name}-`));
  try {
    fill(scratch);
    if (!existsSync(folder)) renameSync(scratch, folder);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return folder;
}

function pythonPackages(name: string, requirement: string): string {
  return installed(name, (folder) => {
    const args = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    execFileSync("python3", [...args, "--target", folder, requirement], { stdio: "pipe" });
  });
}

async function started(child: ChildProcess, url: string): Promise<StoreServer> {
  const output: Buffer[] = [];
  const keep = (data: Buffer): void => {
    if (output.length < 200) output.push(data);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  const end = Date.now() + startMs;
  for (;;) {
    if (child.exitCode !== null || Date.now() > end) {
      child.kill("SIGKILL");
      throw new Error(`the object store did not start:\n${Buffer.concat(output).toString()}`);
    }
    try {
      await fetch(url, { signal: AbortSignal.timeout(2000) });
      break;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  // A test that ends without closing its server must not hang on it.
  child.unref();
  process.once("exit", () => child.kill("SIGKILL"));
  return {
    url,
    pid: child.pid ?? 0,
    close: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve();
        child.ref();
        child.once("exit", () => resolve());
        child.kill("SIGKILL");
      }),
  };
}

/** moto: S3 in Python. Any credentials are good. */
export async function startMoto(): Promise<StoreServer> {
  const folder = pythonPackages("moto-5.2.5", "moto[server]==5.2.5");
  const port = await freePort();
  const child = spawn("python3", ["-m", "moto.server", "-H", "127.0.0.1", "-p", String(port)], {
    env: { ...process.env, PYTHONPATH: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return started(child, `http://127.0.0.1:${port}`);
}

/** Azurite: Azure's blobs in Node, with the account of its documentation, `devstoreaccount1`. */
export async function startAzurite(): Promise<StoreServer> {
  const folder = installed("azurite-3.37.0", (scratch) => {
    writeFileSync(join(scratch, "package.json"), '{"private":true}');
    const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    execFileSync("npm", ["install", ...flags, "azurite@3.37.0"], { cwd: scratch, stdio: "pipe" });
  });
  const port = await freePort();
  const script = join(folder, "node_modules/azurite/dist/src/blob/main.js");
  const flags = [
    "--inMemoryPersistence",
    "--silent",
    "--skipApiVersionCheck",
    "--disableTelemetry",
  ];
  const child = spawn(
    process.execPath,
    [script, "--blobHost", "127.0.0.1", "--blobPort", String(port), ...flags],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  return started(child, `http://127.0.0.1:${port}`);
}

/** An emulator of Google Cloud Storage in Python. `bucket` exists when it starts. */
export async function startGcsEmulator(bucket: string): Promise<StoreServer> {
  const name = "gcp-storage-emulator";
  const folder = pythonPackages(`${name}-2026.7.19`, `${name}==2026.7.19`);
  const port = await freePort();
  const flags = ["--host", "127.0.0.1", "--port", String(port), "--in-memory"];
  const child = spawn(
    "python3",
    ["-m", "gcp_storage_emulator", "start", ...flags, "--default-bucket", bucket],
    { env: { ...process.env, PYTHONPATH: folder }, stdio: ["ignore", "pipe", "pipe"] },
  );
  return started(child, `http://127.0.0.1:${port}`);
}
