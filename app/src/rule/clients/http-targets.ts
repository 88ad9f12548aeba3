// A set of HTTP endpoints that is kept up to date: static addresses, files, DNS; and the connections to them.
import { AddressResolver, type DnsLookup, FileTargets } from "@deucalion/storeapi";
import { parse } from "yaml";
import type { Actor } from "../../process/run-group.ts";
import { HttpClient } from "../../prometheus/http-client.ts";
import type { HttpTargetsConfig } from "./client-config.ts";

export interface HttpTargetsDeps {
  readonly dns: DnsLookup;
  readonly warn: (message: string) => void;
  readonly now: () => number;
  /** Time between two lookups, ms. */
  readonly dnsIntervalMs: number;
  /** Told how many endpoints each configured address stands for. */
  readonly resolved?: (address: string, results: number) => void;
}

interface WatchedFiles {
  readonly targets: FileTargets;
  readonly refreshMs: number;
  readAt: number;
  found: readonly string[];
}

/** Endpoints of one section of a configuration. Ask `urls()` each time; run `actor` to keep them fresh. */
export class HttpTargets {
  readonly client: HttpClient;
  readonly #config: HttpTargetsConfig;
  readonly #deps: HttpTargetsDeps;
  readonly #resolver: AddressResolver;
  readonly #files: readonly WatchedFiles[];
  readonly #bad = new Set<string>();
  #urls: readonly URL[] = [];

  constructor(config: HttpTargetsConfig, deps: HttpTargetsDeps) {
    this.#config = config;
    this.#deps = deps;
    this.client = new HttpClient(config.client);
    this.#resolver = new AddressResolver(deps.dns, deps.warn);
    const parseYaml = (text: string): unknown => parse(text);
    this.#files = config.files.map(({ globs, refreshMs }) => ({
      targets: new FileTargets(globs, { parseYaml, warn: deps.warn }),
      refreshMs,
      readAt: Number.NEGATIVE_INFINITY,
      found: [],
    }));
  }

  /** True if nothing could ever give an endpoint. */
  get isEmpty(): boolean {
    return this.#config.addresses.length === 0 && this.#files.length === 0;
  }

  /** Base addresses as they are known now: the same list until something changes; it may hold one twice. */
  urls(): readonly URL[] {
    return this.#urls;
  }

  /** Reads files and looks names up. Failures keep what was known and are logged. */
  async refresh(): Promise<void> {
    const now = this.#deps.now();
    for (const file of this.#files) {
      if (now - file.readAt < file.refreshMs) continue;
      file.readAt = now;
      file.found = await file.targets.targets();
    }
    const { addresses, scheme, pathPrefix } = this.#config;
    const found: string[] = [];
    for (const address of [...this.#files.flatMap((file) => file.found), ...addresses]) {
      const results = await this.#resolver.resolve([address]);
      this.#deps.resolved?.(address, results.length);
      found.push(...results);
    }
    const urls = found.flatMap((address) => {
      const text = `${scheme}://${address}${pathPrefix}`;
      if (URL.canParse(text)) return [new URL(text)];
      if (!this.#bad.has(text)) this.#deps.warn(`not an address: ${text}`);
      this.#bad.add(text);
      return [];
    });
    const same =
      urls.length === this.#urls.length && urls.every((url, i) => url.href === this.#urls[i]!.href);
    if (!same) this.#urls = urls;
  }

  /** Refreshes until it is stopped. */
  get actor(): Actor {
    const { dnsIntervalMs } = this.#deps;
    const shortest = Math.min(dnsIntervalMs, ...this.#files.map((file) => file.refreshMs));
    let timer: NodeJS.Timeout | undefined;
    let end: () => void = () => undefined;
    return {
      name: "service discovery",
      execute: () =>
        new Promise<void>((resolve) => {
          end = resolve;
          timer = setInterval(() => void this.refresh(), Math.max(100, shortest));
        }),
      interrupt: () => {
        clearInterval(timer);
        end();
      },
    };
  }
}
