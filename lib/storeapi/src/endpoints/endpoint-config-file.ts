// `--endpoint.sd-config-file`: read again after an interval; bad content keeps what was there.
import { readFile } from "node:fs/promises";
import type { Log } from "@deucalion/base";
import { type EndpointConfig, parseEndpointConfig } from "./endpoint-config.ts";

export interface EndpointConfigFileDeps {
  readonly parseYaml: (text: string) => unknown;
  readonly log: Log;
  readonly now: () => number;
}

/** The content of a file, or of a flag (`path` ""), as checked configuration. */
export class EndpointConfigFile {
  readonly #path: string;
  readonly #intervalMs: number;
  readonly #deps: EndpointConfigFileDeps;
  #text: string;
  #config: EndpointConfig;
  #readAt: number;

  private constructor(
    path: string,
    text: string,
    intervalMs: number,
    deps: EndpointConfigFileDeps,
  ) {
    this.#path = path;
    this.#intervalMs = intervalMs;
    this.#deps = deps;
    this.#text = text;
    this.#config = parseEndpointConfig(deps.parseYaml(text));
    this.#readAt = deps.now();
  }

  /** Throws STOREAPI_CONFIG, or what reading throws: bad content at start is fatal. */
  static async open(
    path: string,
    content: string,
    intervalMs: number,
    deps: EndpointConfigFileDeps,
  ): Promise<EndpointConfigFile> {
    const text = path === "" ? content : await readFile(path, "utf8");
    return new EndpointConfigFile(path, text, intervalMs, deps);
  }

  async current(): Promise<EndpointConfig> {
    const due = this.#path !== "" && this.#deps.now() - this.#readAt >= this.#intervalMs;
    if (!due) return this.#config;
    this.#readAt = this.#deps.now();
    try {
      const text = await readFile(this.#path, "utf8");
      if (text !== this.#text) {
        this.#config = parseEndpointConfig(this.#deps.parseYaml(text));
        this.#text = text;
      }
    } catch (error) {
      this.#deps.log.error("cannot reload the endpoint configuration, keeping the old one", {
        err: error,
      });
    }
    return this.#config;
  }
}
