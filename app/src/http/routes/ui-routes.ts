// Serves the browser app: pages with values for this server put in, and its files with long caching.
import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { acceptsGzip, ResponseBody } from "../answers/response-body.ts";
import { redirect, respondText } from "../answers/text-response.ts";
import type { Exchange } from "../exchange.ts";
import type { HttpServer } from "../http-server.ts";

/** What the page is told. */
export interface UiValues {
  readonly component: string;
  readonly queryUrl: string;
  readonly tenantHeader: string;
  readonly defaultTenant: string;
  readonly displayTenantBox: boolean;
}

export interface UiOptions extends UiValues {
  readonly routePrefix: string;
  readonly externalPrefix: string;
  readonly prefixHeader: string;
}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".map": "application/json",
  ".txt": "text/plain; charset=utf-8",
};

/** Pages that are all the same document. */
const pages = [
  "/alerts",
  "/blocks",
  "/config",
  "/flags",
  "/explore",
  "/global",
  "/graph",
  "/loaded",
  "/query",
  "/rules",
  "/service-discovery",
  "/status",
  "/stores",
  "/targets",
  "/tsdb-status",
];

interface Asset {
  readonly file: string;
  readonly gzip: boolean;
  readonly brotli: boolean;
}

/** Folder of the built app; null where it was not built. */
export async function findUi(): Promise<string | null> {
  try {
    const dir = join(
      dirname(fileURLToPath(import.meta.resolve("@deucalion/ui/package.json"))),
      "dist",
    );
    return (await stat(join(dir, "index.html"))).isFile() ? dir : null;
  } catch {
    return null;
  }
}

async function listAssets(dir: string): Promise<Map<string, Asset>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const names = new Set(
    entries
      .filter((e) => e.isFile())
      .map((e) => relative(dir, join(e.parentPath, e.name)).replaceAll("\\", "/")),
  );
  const assets = new Map<string, Asset>();
  for (const name of names) {
    if (name.endsWith(".gz") || name.endsWith(".br") || name === "index.html") continue;
    assets.set(`/${name}`, {
      file: join(dir, name),
      gzip: names.has(`${name}.gz`),
      brotli: names.has(`${name}.br`),
    });
  }
  return assets;
}

/** A prefix from a header: path only, cleaned, "" for none. */
function headerPrefix(text: string): string {
  const parts = text
    .replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, "")
    .split("/")
    .filter((part) => part !== "" && part !== "." && part !== "..");
  return parts.length === 0 ? "" : `/${parts.join("/")}`;
}

/** JSON that cannot end the script element it stands in. */
function scriptJson(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll("<", "\\u003c")
    .replaceAll("\u2028", "\\u2028")
    .replaceAll("\u2029", "\\u2029");
}

async function sendAsset(exchange: Exchange, asset: Asset): Promise<void> {
  const { response } = exchange;
  const accepts = exchange.header("accept-encoding");
  const brotli = asset.brotli && /(^|[\s,])br([\s,;]|$)/.test(accepts);
  const gzip = !brotli && asset.gzip && acceptsGzip(accepts);
  response.setHeader("Content-Type", types[extname(asset.file)] ?? "application/octet-stream");
  const hashed =
    /[-.][A-Za-z0-9_-]{8,}\.[a-z0-9]+$/.test(asset.file) && asset.file.includes("assets");
  response.setHeader(
    "Cache-Control",
    hashed ? "public, max-age=31536000, immutable" : "public, max-age=300",
  );
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.setHeader("Vary", "Accept-Encoding");
  if (brotli || gzip) response.setHeader("Content-Encoding", brotli ? "br" : "gzip");
  const body = await readFile(asset.file + (brotli ? ".br" : gzip ? ".gz" : ""));
  response.writeHead(200, { "Content-Length": body.length });
  response.end(exchange.method === "HEAD" ? undefined : body);
}

/** Registers the pages and files of the app; without a built app, one page that says so. */
export async function uiRoutes(server: HttpServer, options: UiOptions): Promise<void> {
  const prefix = options.routePrefix;
  const dir = await findUi();
  const template = dir === null ? null : await readFile(join(dir, "index.html"), "utf8");
  const prefixOf = (exchange: Exchange): string => {
    if (options.externalPrefix !== "") return options.externalPrefix;
    if (options.prefixHeader === "") return "";
    return headerPrefix(exchange.header(options.prefixHeader));
  };
  const page = async (exchange: Exchange) => {
    if (template === null) {
      return respondText(
        exchange,
        200,
        "Deucalion is running. Its browser app is not built: npm run build\n",
        false,
      );
    }
    const config = scriptJson({
      pathPrefix: prefixOf(exchange),
      component: options.component,
      queryUrl: options.queryUrl,
      tenantHeader: options.tenantHeader,
      defaultTenant: options.defaultTenant,
      displayTenantBox: options.displayTenantBox,
    });
    const html = template.replace(
      /(<script[^>]*id="deucalion-config"[^>]*>)[^<]*(<\/script>)/,
      (_, open: string, close: string) => open + config + close,
    );
    exchange.response.setHeader("Content-Type", "text/html; charset=utf-8");
    exchange.response.setHeader("Cache-Control", "no-cache");
    await new ResponseBody(exchange, 200).end(Buffer.from(html));
  };
  const read = ["GET", "HEAD"] as const;
  for (const path of pages) server.route(read, prefix + path, "", page);
  const toGraph = (exchange: Exchange) =>
    redirect(exchange, `${prefixOf(exchange) || prefix}/graph`);
  if (prefix !== "") {
    server.route(read, "/", "", toGraph);
    server.route(read, prefix, "", toGraph);
    server.route(read, `${prefix}/`, "", toGraph);
  } else server.route(read, "/", "", page);
  if (dir === null) return;
  for (const [path, asset] of await listAssets(dir)) {
    server.route(read, prefix + path, "", (exchange) => sendAsset(exchange, asset));
  }
}

/** The same for a component that answers no queries. */
export function componentUi(
  server: HttpServer,
  component: string,
  options: Omit<UiOptions, keyof UiValues>,
): Promise<void> {
  return uiRoutes(server, {
    component,
    queryUrl: "",
    tenantHeader: "",
    defaultTenant: "",
    displayTenantBox: false,
    ...options,
  });
}
