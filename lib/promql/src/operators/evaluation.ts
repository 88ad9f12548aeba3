// The state of one query while it is evaluated, and of one evaluation (a range of steps) within it.

import type { SourceContext } from "@deucalion/model";
import { Annotations } from "../annotations/annotations.ts";
import type { EvalContext, EvalOptions, InstantSelect } from "../functions/contract.ts";
import type { QueryLimits } from "../limits.ts";
import type { Expr, ValueType, VectorSelector } from "../parse/ast.ts";
import type { RemotePart } from "../plan/distributed/distribute.ts";
import type { SelectorPlan } from "../plan/selector-hints.ts";
import { Row, type Steps } from "../row.ts";
import { eachItem } from "./each-item.ts";
import type { SampleCounter } from "./sample-counter.ts";
import type { SharedReads } from "./selectors/shared-reads.ts";

/** Takes a row over. It may come any number of times, in order of labels where the source is a selector. */
export type Emit = (row: Row) => void;

/** What all evaluations of one query share. */
export interface QueryState {
  readonly reads: SharedReads;
  readonly limits: QueryLimits;
  readonly options: EvalOptions;
  readonly selectors: ReadonlyMap<VectorSelector, SelectorPlan>;
  /** Selectors that stand for what other queriers evaluate. */
  readonly remoteParts: ReadonlyMap<VectorSelector, RemotePart>;
  /** For calls to other queriers. */
  readonly context: SourceContext;
  readonly types: ReadonlyMap<Expr, ValueType>;
  /** Step of the query in ms, 0 for an instant query. */
  readonly stepMs: number;
  /** Step of subqueries that name none. */
  readonly defaultStepMs: number;
  /** Coarsest downsampled data that is welcome; 0 is raw only. */
  readonly maxResolutionMs: number;
  readonly rows: RowPool;
  readonly counter: SampleCounter;
  /** Evaluates any node; set once, so that operators need not import each other. */
  readonly evaluate: (node: Expr, ev: Evaluation, emit: Emit) => Promise<void>;
  readonly select: (ev: Evaluation, request: InstantSelect) => Promise<Row[]>;
  /** Told of each series that a selector reads, where that is asked for. */
  readonly onRead: ((selector: VectorSelector, samples: number) => void) | null;
}

/** One range of steps within a query: the query itself, a subquery, or a part that is evaluated once. */
export class Evaluation implements EvalContext {
  readonly state: QueryState;
  readonly steps: Steps;
  readonly annotations: Annotations;
  /** Step that selectors report in their hints. */
  readonly hintStepMs: number;
  /** Where this evaluation counts its samples: per step of the query, or as a whole. */
  readonly counter: SampleCounter;
  /** Samples that this evaluation holds, as Prometheus counts them. */
  held = 0;
  depth = 0;

  constructor(
    state: QueryState,
    steps: Steps,
    annotations: Annotations,
    hintStepMs: number,
    counter: SampleCounter,
  ) {
    this.state = state;
    this.steps = steps;
    this.annotations = annotations;
    this.hintStepMs = hintStepMs;
    this.counter = counter;
  }

  get options(): EvalOptions {
    return this.state.options;
  }

  get limits(): QueryLimits {
    return this.state.limits;
  }

  /** Adds samples held (negative: given up). */
  hold(samples: number): void {
    this.held += samples;
    this.state.limits.holdSamples(samples);
  }

  readonly check = (): void => this.state.limits.check();

  readonly holdBytes = (bytes: number): void => this.state.limits.holdBytes(bytes);

  readonly eachRow = (rows: readonly Row[], visit: (row: Row) => void): Promise<void> =>
    eachItem(rows, this.state.limits, visit);

  readonly select = (request: InstantSelect): Promise<Row[]> => this.state.select(this, request);

  /** Another range of steps; annotations go to the same place. */
  over(steps: Steps, hintStepMs: number, counter: SampleCounter): Evaluation {
    const child = new Evaluation(this.state, steps, this.annotations, hintStepMs, counter);
    child.depth = this.depth;
    return child;
  }

  /** The same steps with annotations of its own, for parts that run side by side. */
  apart(): Evaluation {
    const child = new Evaluation(
      this.state,
      this.steps,
      new Annotations(),
      this.hintStepMs,
      this.counter,
    );
    child.depth = this.depth;
    return child;
  }

  /** Evaluates a node. Deep trees continue in a new turn of the microtask queue, so that the stack stays small. */
  async evaluate(node: Expr, emit: Emit): Promise<void> {
    this.depth++;
    if (this.depth % 100 === 0) await Promise.resolve();
    await this.state.evaluate(node, this, emit);
    this.depth--;
  }

  /** Evaluates a node and keeps its rows. */
  async rowsOf(node: Expr): Promise<Row[]> {
    const rows: Row[] = [];
    const { limits } = this;
    const bytes = this.rowBytes;
    await this.evaluate(node, (row) => {
      limits.holdBytes(bytes);
      row.detach();
      rows.push(row);
    });
    limits.holdBytes(-bytes * rows.length);
    return rows;
  }

  /** Evaluates several nodes side by side; their annotations are taken over in order. */
  async all(nodes: readonly Expr[]): Promise<Row[][]> {
    const parts = nodes.map(() => this.apart());
    const running = await Promise.allSettled(nodes.map((node, i) => parts[i]!.rowsOf(node)));
    const rows = running.map((one) => {
      // Where several fail, the error of the first is told.
      if (one.status === "rejected") throw one.reason;
      return one.value;
    });
    for (const part of parts) {
      this.annotations.merge(part.annotations);
      this.held += part.held;
    }
    return rows;
  }

  /** Rough size of a kept row in memory: objects, labels as bytes and as strings, and the columns. */
  get rowBytes(): number {
    return 1000 + 9 * this.steps.count;
  }

  /** A row without samples whose values may hold anything. */
  newRow(): Row {
    return this.state.rows.take(this.steps.count);
  }

  /** Gives a row's arrays back for reuse; nobody may look at the row after that. */
  release(row: Row): void {
    this.state.rows.put(row);
  }
}

/** Rows whose columns are parts of one buffer: a buffer for each would cost more than what is written to it. */
const slabRows = 16;

/** Rows that have been folded into an aggregate are used again for the next series. */
export class RowPool {
  readonly #free = new Map<number, Row[]>();
  /** Widths of rows of which some were made. */
  readonly #made = new Set<number>();

  take(count: number): Row {
    let free = this.#free.get(count);
    if (free === undefined) {
      free = [];
      this.#free.set(count, free);
    }
    const row = free.pop();
    if (row === undefined) return this.#make(count, free);
    row.present.fill(0);
    return row;
  }

  #make(count: number, free: Row[]): Row {
    // What is small lies within the heap; what is large is worth a buffer of its own.
    if (count < 16 || count > 2048) {
      return new Row(null, new Float64Array(count), new Uint8Array(count));
    }
    // The first call makes one row: most evaluations use it over and over.
    if (!this.#made.has(count)) {
      this.#made.add(count);
      return new Row(null, new Float64Array(count), new Uint8Array(count));
    }
    const values = new Float64Array(slabRows * count);
    const present = new Uint8Array(slabRows * count);
    for (let i = slabRows; i > 1; i--) {
      const from = (i - 1) * count;
      const to = i * count;
      free.push(new Row(null, values.subarray(from, to), present.subarray(from, to)));
    }
    return new Row(null, values.subarray(0, count), present.subarray(0, count));
  }

  put(row: Row): void {
    const count = row.values.length;
    let free = this.#free.get(count);
    if (free === undefined) {
      free = [];
      this.#free.set(count, free);
    }
    if (free.length < slabRows) free.push(row.renewed());
  }
}
