// Whether the querier chooses the resolution of data by the step where a request says nothing: its flags tell.
import { DownstreamAnswer } from "./errors.ts";

/** An answer holds so long; flags change with restarts only. */
const knownMs = 60_000;

type Known = boolean | "unsure";

/** Reads the body of `/api/v1/status/flags`. */
function autoOf(body: string): Known {
  const document = JSON.parse(body) as { readonly data?: Readonly<Record<string, unknown>> | null };
  if (typeof document.data !== "object" || document.data === null) return "unsure";
  // A Prometheus has no such flag, and no resolutions.
  return String(document.data["query.auto-downsampling"] ?? "false") !== "false";
}

export class QuerierFlags {
  readonly #ask: (path: string) => Promise<string>;
  readonly #now: () => number;
  readonly #known = new Map<string, { readonly auto: Promise<Known>; readonly askedMs: number }>();

  /** `ask` resolves to the body at a path. */
  constructor(ask: (path: string) => Promise<string>, now: () => number) {
    this.#ask = ask;
    this.#now = now;
  }

  /** True only if the querier says so: it reads the same data for every step. */
  async ignoresStep(path: string): Promise<boolean> {
    const now = this.#now();
    let known = this.#known.get(path);
    if (known === undefined || now - known.askedMs > knownMs) {
      const auto = this.#ask(path)
        .then(autoOf)
        .catch((error: unknown): Known => {
          // What has no flags is no querier of Thanos' kind, or hides them: nobody knows.
          if (!(error instanceof DownstreamAnswer)) this.#known.delete(path);
          return "unsure";
        });
      known = { auto, askedMs: now };
      this.#known.set(path, known);
    }
    return (await known.auto) === false;
  }
}
