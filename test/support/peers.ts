// Gets the real programs that tests speak with: Debian's packages, unpacked into a cache folder, no root needed.
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repositoryRoot } from "./repository.ts";

/** Unpacks a Debian package and returns the folder; kept in `.cache/peers` of the checkout. Throws if it cannot be had. */
function unpacked(name: string): string {
  const folder = join(repositoryRoot, ".cache/peers", name);
  if (existsSync(folder)) return folder;
  const scratch = mkdtempSync(join(tmpdir(), "deucalion-peer-"));
  try {
    try {
      execFileSync("apt-get", ["download", name], { cwd: scratch, stdio: "pipe" });
    } catch {
      execFileSync("apt-get", ["update", "-qq"], { stdio: "pipe" });
      execFileSync("apt-get", ["download", name], { cwd: scratch, stdio: "pipe" });
    }
    const archive = readdirSync(scratch).find((file) => file.endsWith(".deb"));
    if (archive === undefined) throw new Error(`apt-get download ${name} gave no package`);
    execFileSync("dpkg", ["-x", archive, "unpacked"], { cwd: scratch });
    mkdirSync(join(repositoryRoot, ".cache/peers"), { recursive: true });
    try {
      renameSync(join(scratch, "unpacked"), folder);
    } catch {
      execFileSync("cp", ["-a", join(scratch, "unpacked"), folder]);
    }
    return folder;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Path of a real Prometheus server (Debian's, 2.42). */
export function prometheusBinary(): string {
  return join(unpacked("prometheus"), "usr/bin/prometheus");
}

/** Path of Debian's promtool, of the same package. */
export function promtoolBinary(): string {
  return join(unpacked("prometheus"), "usr/bin/promtool");
}

/** Path of a Chromium: the machine's, or Debian's installed for the test run. */
export function chromiumBinary(): string {
  for (const path of ["/usr/bin/chromium", "/usr/bin/chromium-browser"])
    if (existsSync(path)) return path;
  execFileSync("apt-get", ["install", "-y", "--no-install-recommends", "chromium"], {
    stdio: "pipe",
  });
  return "/usr/bin/chromium";
}

/** A program of Debian, and the folders where its libraries lie. */
export interface Peer {
  readonly path: string;
  readonly env: NodeJS.ProcessEnv;
}

function peer(name: string, path: string, libraries: readonly string[]): Peer {
  const folders = libraries.map((library) => {
    const usr = join(unpacked(library), "usr/lib");
    const triple = readdirSync(usr).find((folder) => folder.includes("-linux-"));
    return join(usr, triple ?? "");
  });
  const known = process.env.LD_LIBRARY_PATH ?? "";
  return {
    path: join(unpacked(name), path),
    env: { ...process.env, LD_LIBRARY_PATH: [...folders, known].join(":") },
  };
}

/** A real memcached. */
export function memcachedPeer(): Peer {
  return peer("memcached", "usr/bin/memcached", []);
}

/** A real Redis server. */
export function redisPeer(): Peer {
  // Debian ships one program under several names; the server's own is a link into another package.
  return peer("redis-tools", "usr/bin/redis-check-rdb", ["liblzf1", "libjemalloc2"]);
}

/** Where Debian's Alertmanager looks for its templates, and where they are for us: as long, below the checkout. */
const templateFolders = [
  "/usr/share/prometheus/alertmanager",
  ".cache/peers/alertmanager-template",
];

/** Path of a real Alertmanager (Debian's, 0.25), which is to run in the checkout's root. */
export function alertmanagerBinary(): string {
  const folder = unpacked("prometheus-alertmanager");
  const [installed = "", ours = ""] = templateFolders;
  const target = join(repositoryRoot, ours);
  const patched = join(target, "alertmanager");
  if (existsSync(patched)) return patched;
  const scratch = mkdtempSync(join(repositoryRoot, ".cache/peers/scratch-"));
  cpSync(join(folder, installed), scratch, { recursive: true });
  const program = readFileSync(join(folder, "usr/bin/prometheus-alertmanager"));
  // The path is compiled in, and nothing may be put there without being root.
  for (let at = program.indexOf(installed); at >= 0; at = program.indexOf(installed, at)) {
    program.write(ours, at, "latin1");
  }
  writeFileSync(join(scratch, "alertmanager"), program, { mode: 0o755 });
  try {
    renameSync(scratch, target);
  } catch {
    // Another test was faster.
    rmSync(scratch, { recursive: true, force: true });
  }
  return patched;
}
