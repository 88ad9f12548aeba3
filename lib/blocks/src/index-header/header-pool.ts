// Keeps few index-headers open: those that are idle or too many are closed, and opened again when they are needed.

export interface HeaderPoolOptions {
  /** Headers open at once; each holds a file. */
  readonly openMax: number;
  /** Memory of open headers together, in bytes. */
  readonly memoryMax: number;
  /** A header that nobody used for so long is closed; 0 for never. */
  readonly idleMs: number;
}

export const headerPoolDefaults: HeaderPoolOptions = {
  openMax: 1000,
  memoryMax: 128 << 20,
  idleMs: 0,
};

/** An open header, as the pool sees it. */
export interface PooledHeader {
  /** About what it holds in memory. */
  readonly headerBytes: number;
  /** Closes the header unless somebody uses it; says whether it is closed. */
  closeIfIdle(): boolean;
}

export interface HeaderPoolEvents {
  /** A header was opened, or could not be. */
  opened(ok: boolean, seconds: number): void;
  /** A header was made from the bucket. */
  made(seconds: number): void;
  closed(): void;
}

export const silentHeaderEvents: HeaderPoolEvents = {
  opened: () => undefined,
  made: () => undefined,
  closed: () => undefined,
};

/** What a pool remembers of an open header. */
interface Open {
  readonly bytes: number;
  usedAt: number;
}

/** Headers by when they were used last. Those in use are never closed, whatever the limits say. */
export class HeaderPool {
  readonly events: HeaderPoolEvents;
  readonly now: () => number;
  readonly #options: HeaderPoolOptions;
  /** The one used longest ago is the first. */
  readonly #open = new Map<PooledHeader, Open>();
  #bytes = 0;

  constructor(
    options: HeaderPoolOptions = headerPoolDefaults,
    deps: { readonly now: () => number; readonly events?: HeaderPoolEvents } = { now: Date.now },
  ) {
    this.#options = options;
    this.now = deps.now;
    this.events = deps.events ?? silentHeaderEvents;
  }

  /** How many are open. */
  get size(): number {
    return this.#open.size;
  }

  /** Whether another header can be opened without closing one. */
  get hasRoom(): boolean {
    return this.#open.size < this.#options.openMax && this.#bytes < this.#options.memoryMax;
  }

  /** Takes over a header that was opened; others may be closed for it. */
  add(header: PooledHeader): void {
    this.#open.set(header, { bytes: header.headerBytes, usedAt: this.now() });
    this.#bytes += header.headerBytes;
    this.#shrink(header);
  }

  #shrink(newest: PooledHeader): void {
    const { openMax, memoryMax } = this.#options;
    for (const old of this.#open.keys()) {
      if (this.#open.size <= openMax && this.#bytes <= memoryMax) return;
      if (old !== newest) this.#close(old);
    }
  }

  /** Told at the end of each use. */
  used(header: PooledHeader): void {
    const known = this.#open.get(header);
    if (known === undefined) return;
    known.usedAt = this.now();
    this.#open.delete(header);
    this.#open.set(header, known);
    this.#shrink(header);
  }

  /** Told of a header that was closed by others. */
  remove(header: PooledHeader): void {
    const known = this.#open.get(header);
    if (known === undefined) return;
    this.#open.delete(header);
    this.#bytes -= known.bytes;
  }

  /** Closes what is idle. To be called now and then. */
  sweep(): void {
    const { idleMs } = this.#options;
    if (idleMs === 0) return;
    for (const [header, { usedAt }] of this.#open) {
      if (this.now() - usedAt < idleMs) return;
      this.#close(header);
    }
  }

  #close(header: PooledHeader): void {
    if (!header.closeIfIdle()) return;
    this.remove(header);
    this.events.closed();
  }
}
