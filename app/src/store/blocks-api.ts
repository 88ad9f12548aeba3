// The block viewer's API: which blocks there are, and marking them.
import { messageOf } from "@deucalion/base";
import {
  type BlockMeta,
  blockIdOf,
  goMeta,
  markForDeletion,
  markNoCompact,
} from "@deucalion/blocks";
import type { Bucket } from "@deucalion/objstore";
import { badData } from "../http/answers/api-error.ts";
import type { Exchange } from "../http/exchange.ts";
import type { HttpServer } from "../http/http-server.ts";

export interface BlocksApiOptions {
  /** External label that names groups in the browser. */
  readonly label: string;
  readonly disableCors: boolean;
  /** Refuse to mark blocks. */
  readonly disableAdmin: boolean;
}

export interface BlocksApiDeps {
  readonly bucket: Bucket;
  readonly now: () => number;
}

/** One list of blocks as the API shows it. The last good list stays when a refresh fails. */
class BlocksView {
  #blocks: readonly BlockMeta[] = [];
  #refreshedAt = "0001-01-01T00:00:00Z";
  #error: object | null = null;

  set(blocks: Iterable<BlockMeta> | undefined, nowMs: number): void {
    this.#refreshedAt = new Date(nowMs).toISOString();
    this.#error = blocks === undefined ? {} : null;
    if (blocks !== undefined) this.#blocks = [...blocks];
  }

  json(label: string): object {
    const blocks = this.#blocks.map(goMeta);
    return { label, blocks, refreshedAt: this.#refreshedAt, err: this.#error };
  }
}

/** Serves `/api/v1/blocks` and `/api/v1/blocks/mark`. */
export class BlocksApi {
  readonly #options: BlocksApiOptions;
  readonly #deps: BlocksApiDeps;
  readonly #global = new BlocksView();
  readonly #loaded = new BlocksView();

  constructor(options: BlocksApiOptions, deps: BlocksApiDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** All blocks of the bucket; undefined if they could not be read. */
  setGlobal(blocks: Iterable<BlockMeta> | undefined): void {
    this.#global.set(blocks, this.#deps.now());
  }

  /** The blocks that this process serves. */
  setLoaded(blocks: Iterable<BlockMeta> | undefined): void {
    this.#loaded.set(blocks, this.#deps.now());
  }

  /** Adds the routes below `prefix`. */
  register(server: HttpServer, prefix: string): void {
    const { disableCors, label } = this.#options;
    const cors = { disableCors };
    server.api(["GET"], `${prefix}/api/v1/blocks`, "blocks", cors, ({ query }) => {
      const view = query.get("view") === "loaded" ? this.#loaded : this.#global;
      return { data: view.json(label) };
    });
    server.api(["POST"], `${prefix}/api/v1/blocks/mark`, "blocks_mark", cors, async (exchange) => {
      await this.#mark(exchange);
      return null;
    });
  }

  async #mark(exchange: Exchange): Promise<void> {
    if (this.#options.disableAdmin) throw badData("Admin operations are disabled");
    const form = await exchange.form();
    const id = form.get("id");
    const action = form.get("action");
    const detail = form.get("detail");
    if (id === "") throw badData("ID cannot be empty");
    if (action === "") throw badData("Action cannot be empty");
    if (blockIdOf(id) === undefined) throw badData(`ULID ${JSON.stringify(id)} is not valid`);
    const { bucket, now } = this.#deps;
    try {
      if (action === "DELETION") await markForDeletion(bucket, id, detail, now(), exchange.signal);
      else if (action === "NO_COMPACTION")
        await markNoCompact(bucket, id, "manual", detail, now(), exchange.signal);
      else throw badData(`not supported marker ${action}`);
    } catch (error) {
      throw badData(messageOf(error));
    }
  }
}
