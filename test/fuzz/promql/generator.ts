// Random valid expressions of PromQL, all kinds of nodes, weighted by use.
import { bucketBounds } from "./dataset.ts";
import { type Level, rangeFunctions, vectorFunctions } from "./language.ts";
import type { Random } from "./random.ts";
import { Selectors } from "./selectors.ts";

const labels = ["job", "instance", "code", "le", "version", "region", "missing"];

/** Makes expressions of one language level. The same random numbers give the same expressions. */
export class Generator {
  readonly #random: Random;
  readonly #level: Level;
  readonly #selectors: Selectors;
  readonly #vectorFunctions: readonly string[];
  readonly #rangeFunctions: readonly string[];

  constructor(random: Random, level: Level) {
    this.#random = random;
    this.#level = level;
    this.#selectors = new Selectors(random, level);
    this.#vectorFunctions = vectorFunctions(level);
    this.#rangeFunctions = rangeFunctions(level);
  }

  /** A whole query: a vector or scalar, and for an instant query at times a range vector or string. */
  query(instant: boolean): string {
    const random = this.#random;
    if (instant && random.chance(0.06)) return this.#matrix(2);
    if (instant && random.chance(0.01)) return `"text ${random.below(9)}"`;
    if (random.chance(0.05)) return this.scalar(3);
    if (random.chance(0.03)) return this.#sorted();
    return this.vector(random.pick([1, 2, 2, 3, 3, 4]));
  }

  #sorted(): string {
    const random = this.#random;
    const inner = this.vector(2);
    if (this.#level !== "2.42" && random.chance(0.4)) {
      const names = random.some(labels).map((name) => `, "${name}"`);
      return `${random.pick(["sort_by_label", "sort_by_label_desc"])}(${inner}${names.join("") || ', "job"'})`;
    }
    return `${random.pick(["sort", "sort_desc"])}(${inner})`;
  }

  /** An expression whose value is an instant vector. */
  vector(depth: number): string {
    if (depth <= 0) return this.#selectors.instant();
    const kind = this.#random.weighted({
      selector: 2,
      rangeCall: 5,
      call: 3,
      aggregate: 5,
      withScalar: 2.5,
      binary: 3.5,
      unary: 0.4,
      paren: 0.5,
      fromScalar: 0.3,
      absent: 0.3,
      label: 0.7,
      quantile: 0.8,
      special: 1,
      newer: this.#level === "2.42" ? 0 : 1.2,
    });
    switch (kind) {
      case "selector":
        return this.#selectors.instant();
      case "rangeCall":
        return this.#rangeCall(depth - 1);
      case "call":
        return this.#call(depth - 1);
      case "aggregate":
        return this.#aggregate(depth - 1);
      case "withScalar":
        return this.#withScalar(depth - 1);
      case "binary":
        return this.#binary(depth - 1);
      case "unary":
        // Level 2.42 refuses names that differ, even where they are at different steps.
        if (this.#level === "2.42") return `-${this.#selectors.name()}`;
        return `${this.#random.pick(["-", "-", "+"])}${this.#operand(depth - 1)}`;
      case "paren":
        return `(${this.vector(depth - 1)})`;
      case "fromScalar":
        return `vector(${this.scalar(depth - 1)})`;
      case "absent":
        return `absent(${this.vector(depth - 1)})`;
      case "label":
        return this.#label(depth - 1);
      case "quantile":
        return this.#histogramQuantile(depth - 1);
      case "special":
        return this.#special(depth - 1);
      case "newer":
        return this.#newer(depth - 1);
    }
  }

  #call(depth: number): string {
    const name = this.#random.pick(this.#vectorFunctions);
    // Of large angles the last digit decides, and sums are rounded otherwise since level 2.42.
    if (this.#level === "2.42" && /^(sin|cos|tan)$/.test(name)) return `${name}(temp)`;
    return `${name}(${this.vector(depth)})`;
  }

  #number(): string {
    return this.#random.pick([
      "0",
      "1",
      "2",
      "-1",
      "0.5",
      "3.25",
      "100",
      "1e3",
      "NaN",
      "Inf",
      "-Inf",
      "7",
      "0x1f",
      "1704153600",
    ]);
  }

  /** An expression whose value is a scalar. */
  scalar(depth: number): string {
    const random = this.#random;
    if (depth <= 0 || random.chance(0.5)) return this.#number();
    const operators = ["+", "-", "*", "/", "%", "^", "== bool", "> bool", "<= bool"];
    if (this.#level !== "2.42") operators.push("atan2");
    return random.pick([
      () => "time()",
      () => "pi()",
      () => `scalar(${this.vector(depth - 1)})`,
      () => `scalar(${this.#selectors.name(0)}{job="api",instance="a:1"})`,
      () => `(${this.scalar(depth - 1)} ${random.pick(operators)} ${this.scalar(depth - 1)})`,
      () => `-${this.#number().replace(/^-/, "")}`,
      () =>
        this.#level === "2.42"
          ? "time()"
          : random.pick([
              "start()",
              "end()",
              "step()",
              "range()",
              `max_of(${this.#number()}, ${this.#number()})`,
              `min_of(time(), ${this.#number()})`,
            ]),
    ])();
  }

  #matrix(depth: number): string {
    const random = this.#random;
    if (depth <= 0 || random.chance(0.75)) return this.#selectors.range();
    const outer = this.#selectors.withinSubquery;
    this.#selectors.withinSubquery = true;
    const operand = this.#operand(depth - 1);
    this.#selectors.withinSubquery = outer;
    return `${operand}${this.#selectors.subqueryWindow()}${this.#selectors.modifiers()}`;
  }

  /** An expression that may stand before an operator or a window without changing its meaning. */
  #operand(depth: number): string {
    const random = this.#random;
    if (random.chance(0.4)) return this.#selectors.bare();
    return random.chance(0.5) ? `(${this.vector(depth)})` : this.#callOrAggregate(depth);
  }

  #callOrAggregate(depth: number): string {
    return this.#random.chance(0.5) ? this.#rangeCall(depth - 1) : this.#aggregate(depth - 1);
  }

  /**
   * What level 2.42 answers otherwise on purpose: later versions extrapolate counters that begin near zero in another
   * way, break ties of topk otherwise, and have a deviation of +Inf where there was NaN.
   */
  #settledRangeCall(name: string, depth: number): string {
    const random = this.#random;
    if (name === "rate" || name === "increase") {
      const counter = random.pick([
        "req_total",
        "errs_total",
        'req_total{code!="404"}',
        "lat_count",
      ]);
      return `${name}(${counter}[${this.#selectors.duration()}]${this.#selectors.modifiers()})`;
    }
    if (/^std/.test(name)) {
      return `${name}(${random.pick(["temp", "size", "up"])}[${this.#selectors.duration()}])`;
    }
    return `${name}(${this.#matrix(depth)})`;
  }

  #settledAggregate(op: string): string {
    const random = this.#random;
    const inner = random.pick([
      "avg_over_time(temp[7m13s])",
      "req_total",
      "lat_sum",
      "avg_over_time(temp[12m]) * 2",
    ]);
    if (/^std/.test(op)) return `${op}${this.#grouping()} (${inner})`;
    return `${op}${this.#grouping()} (${random.pick(["1", "2", "3.5", "10", "0"])}, ${inner})`;
  }

  #rangeCall(depth: number): string {
    const random = this.#random;
    if (random.chance(0.1)) {
      const quantiles = ["0.5", "0.9", "0", "1", "-1", "1.5", "0.25", "NaN"];
      // Level 2.42 takes a call over `@` for the same at every step, whatever the quantile does.
      if (this.#level !== "2.42") quantiles.push("scalar(size)");
      return `quantile_over_time(${random.pick(quantiles)}, ${this.#matrix(depth)})`;
    }
    if (random.chance(0.05)) {
      const matrix =
        this.#level === "2.42" ? `temp[${this.#selectors.duration()}]` : this.#matrix(depth);
      return `predict_linear(${matrix}, ${random.pick(["60", "600", "-30", "time() - 1704153600"])})`;
    }
    if (random.chance(0.35)) {
      const often = [
        "rate",
        "increase",
        "sum_over_time",
        "max_over_time",
        "avg_over_time",
        "irate",
      ];
      return this.#rangeFunction(random.pick(often), depth);
    }
    return this.#rangeFunction(random.pick(this.#rangeFunctions), depth);
  }

  #rangeFunction(name: string, depth: number): string {
    if (this.#level === "2.42") return this.#settledRangeCall(name, depth);
    return `${name}(${this.#matrix(depth)})`;
  }

  #grouping(): string {
    const random = this.#random;
    if (random.chance(0.25)) return "";
    const names = random.some(labels, 0.35).join(", ");
    return ` ${random.chance(0.7) ? "by" : "without"} (${names})`;
  }

  #aggregate(depth: number): string {
    const random = this.#random;
    const weights = {
      sum: 6,
      avg: 2,
      min: 1.5,
      max: 2,
      count: 2,
      group: 0.5,
      stddev: 0.7,
      stdvar: 0.7,
      topk: 1,
      bottomk: 0.7,
      quantile: 0.8,
      count_values: 0.6,
    };
    const newer = { limitk: 0.7, limit_ratio: 0.5 };
    const op = random.weighted<string>(this.#level === "2.42" ? weights : { ...weights, ...newer });
    if (this.#level === "2.42" && /^(std|topk|bottomk)/.test(op)) return this.#settledAggregate(op);
    let parameter = "";
    if (op === "topk" || op === "bottomk" || op === "limitk")
      parameter = `${random.pick(["1", "2", "3", "10", "0", "-1", "scalar(size)", "2.7"])}, `;
    else if (op === "quantile")
      parameter = `${random.pick(["0.5", "0.9", "0", "1", "1.2", "-0.1", "0.33", "NaN"])}, `;
    else if (op === "limit_ratio")
      parameter = `${random.pick(["0.5", "-0.5", "1", "0", "0.1", "-1", "2"])}, `;
    const inner = op === "count_values" ? this.#countable(depth) : this.vector(depth);
    if (op === "count_values") {
      // Level 2.42 is at a loss where the label of the value is one to group by.
      const names = this.#level === "2.42" ? ["value", "size"] : ["value", "job", "size"];
      parameter = `"${random.pick(names)}", `;
    }
    return random.chance(0.5)
      ? `${op}${this.#grouping()} (${parameter}${inner})`
      : `${op}(${parameter}${inner})${this.#grouping()}`;
  }

  /** Values that are exact on both sides, since they become labels. */
  #countable(depth: number): string {
    const random = this.#random;
    return random.pick([
      () => this.#selectors.bare(0.1),
      () => `size${this.#selectors.modifiers()}`,
      () => `floor(${this.#selectors.bare(0)})`,
      () => `changes(${this.#selectors.range(0)})`,
      () => `count by (job) (${this.vector(depth - 1)})`,
    ])();
  }

  #withScalar(depth: number): string {
    const random = this.#random;
    const operator = this.#operator();
    const set = /^(and|or|unless)/.test(operator) ? "+" : operator;
    const vector = this.#operand(depth);
    const scalar = this.scalar(depth);
    return random.chance(0.7) ? `${vector} ${set} ${scalar}` : `${scalar} ${set} ${vector}`;
  }

  #operator(): string {
    const random = this.#random;
    const weights = {
      "+": 3,
      "-": 3,
      "*": 3,
      "/": 4,
      "%": 0.7,
      "^": 0.5,
      ">": 1.5,
      "<": 1,
      ">=": 0.7,
      "<=": 0.7,
      "==": 1,
      "!=": 1,
      and: 1,
      or: 1.2,
      unless: 1,
    };
    // Level 2.42 keeps the metric name under atan2, which was a mistake.
    const newer = { atan2: 0.3, "</": 0.3, ">/": 0.3 };
    const op = random.weighted<string>(this.#level === "2.42" ? weights : { ...weights, ...newer });
    const bool = /^(>|<|>=|<=|==|!=)$/.test(op) && random.chance(0.4) ? " bool" : "";
    return op + bool;
  }

  #binary(depth: number): string {
    const random = this.#random;
    const operator = this.#operator();
    const set = /^(and|or|unless)/.test(operator);
    // Level 2.42 forgives duplicate matches where a comparison drops them.
    const plain = this.#level === "2.42" && /^(>|<|>=|<=|==|!=)$/.test(operator);
    if (plain) return `${this.#selectors.name()} ${operator} (${this.#selectors.name()} > 1)`;
    if (random.chance(0.25)) {
      const side = (): string => `sum by (job) (${this.vector(depth - 1)})`;
      return `${side()} ${operator}${this.#fill(set)} ${side()}`;
    }
    if (random.chance(0.3) && !set) {
      const many = random.pick(["req_total", "rate(req_total[5m])", "lat_bucket"]);
      const one = random.pick([
        "temp",
        "size",
        "errs_total",
        "build_info",
        "target_info",
        "lat_count",
      ]);
      const on = one === "lat_count" || many === "lat_bucket" ? "job" : "job, instance";
      const include = random.pick(["", "version", "region, version", "missing"]);
      return random.chance(0.7)
        ? `${many} ${operator} on (${on}) group_left (${include})${this.#fill(false)} ${one}`
        : `${one} ${operator} on (${on}) group_right (${include})${this.#fill(false)} ${many}`;
    }
    const names = random.some(labels, 0.4).join(", ");
    const matching = random.weighted<string>({
      "": 4,
      [` on (${names})`]: 2,
      [` ignoring (${names})`]: 1.5,
    });
    const group =
      !set && matching !== "" && random.chance(0.2)
        ? random.pick([" group_left", " group_right"])
        : "";
    const same = random.chance(0.35) ? this.#selectors.bare() : "";
    const left = same === "" ? this.#operand(depth) : same;
    const right =
      same === ""
        ? this.#operand(depth)
        : random.pick([same, `${same} offset 1m`, `(${same} > 1)`]);
    return `${left} ${operator}${matching}${group}${this.#fill(set)} ${right}`;
  }

  #fill(set: boolean): string {
    const random = this.#random;
    if (set || this.#level === "2.42" || !random.chance(0.1)) return "";
    return random.pick([
      " fill (0)",
      " fill_left (1)",
      " fill_right (-2)",
      " fill_left (3) fill_right (4)",
    ]);
  }

  #label(depth: number): string {
    const random = this.#random;
    const vector = this.vector(depth);
    if (random.chance(0.4)) {
      const names = random.some(labels, 0.4).map((name) => `, "${name}"`);
      return `label_join(${vector}, "${random.pick(["joined", "job"])}", "${random.pick(["-", ""])}"${names.join("")})`;
    }
    const pattern = random.pick([
      "(.*)",
      "(a)(.*)",
      "(?P<x>.+)i",
      ".*",
      "nothing",
      "(.+):(\\\\d+)",
      "",
    ]);
    const replacement = random.pick(["$1", "$1-$2", "$x", "$2y", "fixed", "", "$$"]);
    return `label_replace(${vector}, "${random.pick(["to", "job", "__name__"])}", "${replacement}", "${random.pick(["job", "instance", "missing"])}", "${pattern}")`;
  }

  #histogramQuantile(depth: number): string {
    const random = this.#random;
    const q = random.pick(["0.9", "0.5", "0.99", "0", "1", "-1", "2", "NaN"]);
    const classic = [
      "lat_bucket",
      "rate(lat_bucket[5m])",
      "sum by (le) (rate(lat_bucket[10m]))",
      "sum by (le, job) (increase(lat_bucket[7m13s]))",
      `lat_bucket{le!="${random.pick(bucketBounds)}"}`,
    ];
    if (this.#level === "2.42") return `histogram_quantile(${q}, ${random.pick(classic)})`;
    const nonsense = ["-lat_bucket", "rate(lat_bucket[5m]) % 0.1"];
    const native = [
      ...nonsense,
      "nh",
      "rate(nh[5m])",
      "sum(rate(fh[5m]))",
      "gh",
      "ch",
      "sum by (job) (increase(ch[10m]))",
      "mix",
      this.vector(depth),
    ];
    const vector = random.chance(0.4) ? random.pick(classic) : random.pick(native);
    return random.pick([
      () => `histogram_quantile(${q}, ${vector})`,
      () =>
        `histogram_fraction(${random.pick(["0", "-Inf", "0.2", "-1"])}, ${random.pick(["1", "Inf", "0.3", "4.5", "-2"])}, ${vector})`,
      () => `histogram_quantiles(${vector}, "q", ${q}, ${random.pick(["0.1", "0.75"])})`,
    ])();
  }

  #special(depth: number): string {
    const random = this.#random;
    const vector = this.vector(depth);
    return random.pick([
      () => `clamp(${vector}, ${this.scalar(1)}, ${this.scalar(1)})`,
      () => `clamp_min(${vector}, ${this.scalar(1)})`,
      () => `clamp_max(${vector}, ${this.scalar(1)})`,
      () => `round(${vector}${random.pick(["", ", 0.5", ", 5", ", 0"])})`,
      () => `timestamp(${this.#selectors.bare()})`,
      () => `timestamp(${this.#selectors.instant()})`,
      () =>
        `${random.pick(["hour", "minute", "day_of_week", "month", "year"])}(${random.pick(["", "started", vector])})`,
      () =>
        `${vector} and on () (vector(time()) > ${random.pick(["0", "1704156000", "1704157000"])})`,
      () => `(${this.vector(depth)}) or vector(${this.scalar(0)})`,
    ])();
  }

  #newer(depth: number): string {
    const random = this.#random;
    return random.pick([
      () =>
        `info(${random.pick(["req_total", "rate(req_total[5m])", "temp", this.vector(depth)])}${random.pick(["", ', {region="eu"}', ', {__name__="build_info"}', ', {__name__=~".+_info"}', ', {version=~".+"}'])})`,
      () =>
        `double_exponential_smoothing(${this.#selectors.range()}, ${random.pick(["0.5", "0.1", "0.9"])}, ${random.pick(["0.5", "0.3"])})`,
      () =>
        `${random.pick(["rate", "increase", "delta", "resets", "changes", "last_over_time", "first_over_time", "sum_over_time", "avg_over_time", "irate", "idelta"])}(${random.pick(["nh", "fh", "gh", "ch", "mix"])}[${this.#selectors.duration()}])`,
      () =>
        `${random.pick(["sum", "avg", "count", "max", "topk", "group", "stddev", "limitk"].map((op) => (op === "topk" || op === "limitk" ? `${op} (2, ` : `${op} (`)))}${random.pick(["nh", "fh", "gh", "ch", "mix"])})`,
      () =>
        `${random.pick(["nh", "fh", "ch", "mix"])} ${random.pick(["+", "-", "*", "/", "==", "!=", "and", "</", ">/"])} ${random.pick(["nh", "2", "fh", "ch", "0.5", "mix"])}`,
      () =>
        `${random.pick(["rate", "increase", "delta", "changes", "resets"])}(${this.#selectors.bare(0)}[${this.#selectors.duration()}] ${random.pick(["smoothed", "anchored"])}${this.#selectors.modifiers()})`,
    ])();
  }
}
