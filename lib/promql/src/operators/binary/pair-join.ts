// Joins the rows of two vectors signature by signature, over all steps at once.
import type { Labels } from "@deucalion/model";
import { PromqlError } from "../../errors.ts";
import type { BinaryExpr, VectorMatching } from "../../parse/ast.ts";
import { Row } from "../../row.ts";
import { eachItem } from "../each-item.ts";
import type { Evaluation } from "../evaluation.ts";
import { ElementResult, elementBinary } from "./element.ts";
import { arithmeticColumns, compareColumns, isComparison } from "./float-operators.ts";
import { duplicateError, groupLabels, resultLabels } from "./match-labels.ts";
import { matchingGroups } from "./set-operators.ts";

/** The error that comes first in time is the one that is thrown. */
interface Failure {
  readonly step: number;
  readonly error: () => PromqlError;
}

/** Rows with one signature on the side that must be unique, and what has been matched. */
interface Group {
  readonly rows: Row[];
  /** Steps at which some row has a sample. */
  readonly present: Uint8Array;
  /** one-to-one: steps at which the group has been matched. */
  matched: Uint8Array | null;
  /** Else: steps matched, for each label set of the result. */
  readonly results: Map<string, Uint8Array>;
  /** How many rows of the other side have the signature. */
  manyCount: number;
}

export class PairJoin {
  readonly #node: BinaryExpr;
  readonly #matching: VectorMatching;
  readonly #ev: Evaluation;
  readonly #many: readonly Row[];
  readonly #one: readonly Row[];
  readonly #swapped: boolean;
  readonly #steps: number;
  readonly #groups = new Map<number, Group>();
  readonly #out: Row[] = [];
  readonly #remarks: ElementResult["remarks"][] = [];
  readonly #result = new ElementResult();
  readonly #holds: Uint8Array;
  #failure: Failure | null = null;

  constructor(
    node: BinaryExpr,
    matching: VectorMatching,
    ev: Evaluation,
    many: readonly Row[],
    one: readonly Row[],
  ) {
    this.#node = node;
    this.#matching = matching;
    this.#ev = ev;
    this.#many = many;
    this.#one = one;
    this.#swapped = matching.card === "one-to-many";
    this.#steps = ev.steps.count;
    this.#holds = new Uint8Array(this.#steps);
  }

  /** Rows of the result in the order of the many side; they may have equal labels. */
  async run(): Promise<Row[]> {
    const { labels, on } = this.#matching;
    const signatures = matchingGroups(labels, on);
    const { limits } = this.#ev;
    const oneSignatures: number[] = [];
    const manySignatures: number[] = [];
    await eachItem(this.#one, limits, (row, i) => {
      oneSignatures[i] = signatures.groupOf(row);
    });
    await eachItem(this.#many, limits, (row, i) => {
      manySignatures[i] = signatures.groupOf(row);
    });
    await eachItem(this.#one, limits, (row, i) => this.#addOne(oneSignatures[i]!, row));
    this.#cutAtFailure();
    await eachItem(manySignatures, limits, (signature) => {
      this.#group(signature).manyCount++;
    });
    for (const [i, row] of this.#many.entries()) {
      this.#joinMany(row, this.#group(manySignatures[i]!));
      if ((i & 63) === 0 && limits.due()) await limits.breathe();
    }
    if (this.#fillMany !== undefined) {
      for (const [i, row] of this.#one.entries())
        this.#fillFor(row, this.#group(oneSignatures[i]!));
    }
    if (this.#failure !== null) throw this.#failure.error();
    for (const remarks of this.#remarks) {
      if (remarks !== undefined && remarks !== null) this.#ev.annotations.merge(remarks);
    }
    return this.#out;
  }

  /** The value that stands in for a missing sample of the many side. */
  get #fillMany(): number | undefined {
    return this.#matching.fillLeft;
  }

  get #fillOne(): number | undefined {
    return this.#matching.fillRight;
  }

  #group(signature: number): Group {
    const known = this.#groups.get(signature);
    if (known !== undefined) return known;
    const present = new Uint8Array(this.#steps);
    const made: Group = { rows: [], present, matched: null, results: new Map(), manyCount: 0 };
    this.#groups.set(signature, made);
    return made;
  }

  #fail(step: number, error: () => PromqlError): void {
    if (this.#failure === null || step < this.#failure.step) this.#failure = { step, error };
  }

  #addOne(signature: number, row: Row): void {
    const group = this.#group(signature);
    for (let i = 0; i < this.#steps; i++) {
      if (row.present[i] === 0) continue;
      if (group.present[i] === 1 && this.#sideHasSamples(i)) {
        const other = group.rows.find((known) => known.present[i] === 1)!;
        this.#fail(i, () => duplicateError(row.labels, other.labels, this.#matching));
        break;
      }
      group.present[i] = 1;
    }
    group.rows.push(row);
  }

  /** Nothing after the first failure matters any more; it would be many pairs to join for nothing. */
  #cutAtFailure(): void {
    const failure = this.#failure;
    if (failure === null) return;
    if (failure.step === 0) throw failure.error();
    for (const row of this.#many) row.present.fill(0, failure.step);
    for (const row of this.#one) row.present.fill(0, failure.step);
  }

  /** Without any sample on the many side nothing is matched, and nothing can be wrong. */
  #sideHasSamples(step: number): boolean {
    const { fillLeft, fillRight } = this.#matching;
    if (fillLeft !== undefined || fillRight !== undefined) return true;
    return this.#many.some((row) => row.present[step] === 1);
  }

  #joinMany(row: Row, group: Group): void {
    for (const partner of group.rows) this.#pair(row, partner, group, null);
    const fill = this.#fillOne;
    if (fill === undefined) return;
    const missing = new Uint8Array(this.#steps);
    for (let i = 0; i < this.#steps; i++) missing[i] = group.present[i] === 0 ? 1 : 0;
    if (!missing.includes(1)) return;
    const values = new Float64Array(this.#steps).fill(fill);
    const labels = groupLabels(row.labels, this.#matching);
    this.#pair(row, new Row(labels, values, missing), group, null);
  }

  /** Rows of the one side that nothing matched meet the value that stands in for the other. */
  #fillFor(row: Row, group: Group): void {
    const missing = new Uint8Array(this.#steps);
    for (let i = 0; i < this.#steps; i++) {
      missing[i] = row.present[i] === 1 && !this.#isMatched(group, i) ? 1 : 0;
    }
    if (!missing.includes(1)) return;
    const values = new Float64Array(this.#steps).fill(this.#fillMany!);
    const labels = groupLabels(row.labels, this.#matching);
    this.#pair(new Row(labels, values, missing), row, group, null);
  }

  #isMatched(group: Group, step: number): boolean {
    if (group.matched !== null) return group.matched[step] === 1;
    for (const matched of group.results.values()) if (matched[step] === 1) return true;
    return false;
  }

  /** Joins two rows at the steps where both have samples. */
  #pair(many: Row, one: Row, group: Group, labels: Labels | null): void {
    const steps = this.#steps;
    const both = new Uint8Array(steps);
    let any = 0;
    for (let i = 0; i < steps; i++) {
      both[i] = many.present[i]! & one.present[i]!;
      any |= both[i]!;
    }
    if (any === 0) return;
    const out = new Row(labels, new Float64Array(steps), both);
    const { op } = this.#node;
    const floats =
      many.histograms === null && one.histograms === null && op !== "</" && op !== ">/";
    const keep = floats ? this.#floats(many, one, out) : this.#stepByStep(many, one, out);
    const delayed = this.#ev.options.delayedNameRemoval;
    const needsLabels = out.labelBytes === null;
    if (needsLabels) {
      out.labels = resultLabels(many.labels, one.labels, this.#node, this.#matching, delayed);
    }
    out.dropName = this.#node.returnBool;
    this.#match(out, group);
    if (keep !== null) {
      for (let i = 0; i < steps; i++) {
        if (keep[i] === 0) out.clear(i);
      }
    }
    if (!out.isEmpty()) this.#out.push(out);
  }

  /** Marks steps as matched, and notes where a second match is not allowed. `out` still has all samples compared. */
  #match(out: Row, group: Group): void {
    if (this.#matching.card === "one-to-one") {
      if (group.manyCount < 2 && this.#fillMany === undefined) return;
      group.matched ??= new Uint8Array(this.#steps);
      this.#mark(group.matched, out, multipleOneToOne);
      return;
    }
    const { key } = out.labels;
    let matched = group.results.get(key);
    if (matched === undefined) {
      matched = new Uint8Array(this.#steps);
      group.results.set(key, matched);
    }
    this.#mark(matched, out, multipleGrouped);
  }

  #mark(matched: Uint8Array, out: Row, error: () => PromqlError): void {
    for (let i = 0; i < matched.length; i++) {
      if (out.present[i] === 0) continue;
      if (matched[i] === 1) this.#fail(i, error);
      matched[i] = 1;
    }
  }

  /** Floats on both sides; returns which samples a comparison keeps, or null for all. */
  #floats(many: Row, one: Row, out: Row): Uint8Array | null {
    const { op, returnBool } = this.#node;
    const left = this.#swapped ? one : many;
    const right = this.#swapped ? many : one;
    if (!isComparison(op)) {
      arithmeticColumns(op, left.values, right.values, out.values);
      return null;
    }
    const holds = this.#holds;
    compareColumns(op, left.values, right.values, holds);
    if (returnBool) {
      for (let i = 0; i < holds.length; i++) out.values[i] = holds[i]!;
      return null;
    }
    out.values.set(left.values);
    return holds;
  }

  #stepByStep(many: Row, one: Row, out: Row): Uint8Array {
    const { op, returnBool, range } = this.#node;
    const left = this.#swapped ? one : many;
    const right = this.#swapped ? many : one;
    const result = this.#result;
    const keep = this.#holds.fill(0);
    for (let i = 0; i < out.present.length; i++) {
      if (out.present[i] === 0) continue;
      elementBinary(
        op,
        left.values[i]!,
        left.histogramAt(i),
        right.values[i]!,
        right.histogramAt(i),
        range,
        result,
      );
      if (result.remarks !== null) this.#remarks[i] = result.remarks;
      // A warning costs the sample, as it does in Prometheus.
      if (!result.valid || result.remarks?.hasWarnings === true) {
        out.clear(i);
        continue;
      }
      if (returnBool) out.setFloat(i, result.keep ? 1 : 0);
      else if (result.histogram === undefined) out.setFloat(i, result.value);
      else out.setHistogram(i, result.histogram);
      keep[i] = result.keep || returnBool ? 1 : 0;
    }
    return keep;
  }
}

function multipleOneToOne(): PromqlError {
  return new PromqlError(
    "PROMQL_EXECUTION",
    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
  );
}

function multipleGrouped(): PromqlError {
  return new PromqlError(
    "PROMQL_EXECUTION",
    "multiple matches for labels: grouping labels must ensure unique matches",
  );
}
