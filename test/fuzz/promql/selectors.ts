// Random selectors: names, matchers, ranges, offsets and `@`.
import { bucketBounds, dataLengthMs, dataStartMs } from "./dataset.ts";
import type { Level } from "./language.ts";
import type { Random } from "./random.ts";

const floatNames = {
  req_total: 5,
  errs_total: 3,
  temp: 4,
  size: 4,
  up: 2,
  started: 1,
  build_info: 0.5,
  target_info: 0.5,
  odd: 1.5,
  lat_bucket: 1,
  lat_sum: 1,
  lat_count: 1,
};
const histogramNames = { nh: 3, fh: 2, gh: 2, ch: 2, mix: 2 };

/** Makes the leaves of expressions. */
export class Selectors {
  readonly #random: Random;
  readonly #level: Level;
  /** Level 2.42 reads too little for `@` within subqueries; none is made there. */
  withinSubquery = false;

  constructor(random: Random, level: Level) {
    this.#random = random;
    this.#level = level;
  }

  /** A metric name; histograms only where the level has them. */
  name(histogramShare = 0.25): string {
    const random = this.#random;
    if (this.#level !== "2.42" && random.chance(histogramShare)) {
      return random.weighted(histogramNames);
    }
    return random.weighted(floatNames);
  }

  #matcher(): string {
    const random = this.#random;
    return random.pick([
      () => `job="${random.pick(["api", "db", "web", "none", ""])}"`,
      () => `job!="${random.pick(["api", "db", "web", ""])}"`,
      () => `job=~"${random.pick(["api|db", "a.*", ".+", ".*b", "[ad].*", "(?i)API", ""])}"`,
      () => `job!~"${random.pick(["api|db", "a.*", "none.*"])}"`,
      () => `instance="${random.pick(["a:1", "b:1"])}"`,
      () => `instance=~"${random.pick(["a.+", "[ab]:1", ".*:1"])}"`,
      () => `code=~"${random.pick(["2..", "4..|5..", ".*", "20[0-3]"])}"`,
      () => `code!="${random.pick(["200", "404"])}"`,
      () => `le="${random.pick(bucketBounds)}"`,
      () => `missing=""`,
    ])();
  }

  /** A selector without range, offset and `@`. */
  bare(histogramShare?: number): string {
    const random = this.#random;
    const matchers: string[] = [];
    while (matchers.length < 3 && random.chance(0.3)) matchers.push(this.#matcher());
    // Prometheus' storage sorts the matchers of a query in place; what absent() makes of them depends on that.
    matchers.sort((a, b) => Number(a.includes("!")) - Number(b.includes("!")));
    if (random.chance(0.05)) {
      const pattern = random.pick([
        "req_total|errs_total",
        "lat_.*",
        "temp|size",
        "up",
        "errs.+|size",
      ]);
      return `{${[`__name__=~"${pattern}"`, ...matchers].join(",")}}`;
    }
    const name = this.name(histogramShare);
    if (random.chance(0.03)) return `{${[`__name__="${name}"`, ...matchers].join(", ")}}`;
    return matchers.length === 0 ? name : `${name}{${matchers.join(",")}}`;
  }

  /** Offset and `@`, in any order, mostly neither. */
  modifiers(): string {
    const random = this.#random;
    const parts: string[] = [];
    if (random.chance(0.12))
      parts.push(`offset ${random.chance(0.3) ? "-" : ""}${this.duration()}`);
    const forbidden = this.withinSubquery && this.#level === "2.42";
    if (random.chance(0.08) && !forbidden) {
      const seconds = dataStartMs / 1000 + random.between(-600, dataLengthMs / 1000 + 600);
      parts.push(`@ ${random.pick([`${seconds}`, `${seconds}.25`, "start()", "end()"])}`);
    }
    if (random.chance(0.5)) parts.reverse();
    return parts.length === 0 ? "" : ` ${parts.join(" ")}`;
  }

  /** A length of time, a multiple of 10 ms. */
  duration(): string {
    const random = this.#random;
    const plain = [
      "15s",
      "30s",
      "45s",
      "1m",
      "1m30s",
      "2m",
      "5m",
      "7m13s",
      "10m",
      "17m500ms",
      "30m",
    ];
    if (this.#level !== "2.42" && random.chance(0.08)) {
      return random.pick([
        "90",
        "(1m+30s)",
        "(2m*2)",
        "step()",
        "(step()+1m)",
        "max_of(step(),2m)",
        "(5m-1m)",
        "range()",
      ]);
    }
    return random.pick(plain);
  }

  instant(histogramShare?: number): string {
    const random = this.#random;
    const smooth =
      this.#level !== "2.42" && random.chance(0.03) ? random.pick([" smoothed", " anchored"]) : "";
    return `${this.bare(histogramShare)}${smooth}${this.modifiers()}`;
  }

  range(histogramShare?: number): string {
    const random = this.#random;
    const extended =
      this.#level !== "2.42" && random.chance(0.08) ? random.pick([" smoothed", " anchored"]) : "";
    return `${this.bare(histogramShare)}[${this.duration()}]${extended}${this.modifiers()}`;
  }

  /** `[range:step]`; in level 2.42 no window of it begins on one of its steps. */
  subqueryWindow(): string {
    const random = this.#random;
    const ranges = ["2m", "5m", "7m30s", "12m", "20m"];
    const odd = this.#level === "2.42" ? "5ms" : random.pick(["", "", "5ms"]);
    return `[${random.pick(ranges)}${odd}:${random.pick(["", "15s", "30s", "1m", "2m", "37s"])}]`;
  }
}
