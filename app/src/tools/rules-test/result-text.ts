// Expected and got, written as promtool writes them.
import { compareLabels, type Labels } from "@deucalion/model";
import { quoteGo } from "@deucalion/promql";

/** A sample as it is compared: a native histogram by its text. */
export interface ComparedSample {
  readonly labels: Labels;
  readonly value: number;
  /** "" for a float. */
  readonly histogram: string;
}

export interface ComparedAlert {
  readonly labels: Labels;
  readonly annotations: Labels;
}

/** `{a="b", c="d"}` with the metric name among the labels. */
export function labelsText(labels: Labels): string {
  const pairs = [...labels].map(([name, value]) => {
    const shown = /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : quoteGo(name);
    return `${shown}=${quoteGo(value)}`;
  });
  return `{${pairs.join(", ")}}`;
}

/** Go's `FormatFloat(v, 'E', -1, 64)`. */
function exponentText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const [mantissa, exponent] = value.toExponential().split("e") as [string, string];
  const digits = exponent.slice(1).padStart(2, "0");
  return `${Object.is(value, -0) ? "-" : ""}${mantissa}E${exponent[0]}${digits}`;
}

function sampleText({ labels, value, histogram }: ComparedSample): string {
  return `${labelsText(labels)} ${histogram === "" ? exponentText(value) : histogram}`;
}

export function samplesText(samples: readonly ComparedSample[]): string {
  return samples.length === 0 ? "nil" : samples.map(sampleText).join(", ");
}

/** Puts blanks in front of all lines but the first. */
export function indentLines(text: string, indent: string): string {
  return text.split("\n").join(`\n${indent}`);
}

export function alertsText(alerts: readonly ComparedAlert[]): string {
  if (alerts.length === 0) return "[]";
  const items = alerts.map(({ labels, annotations }, index) => {
    const text = `\nLabels:${labelsText(labels)}\nAnnotations:${labelsText(annotations)}`;
    return `${index}:${indentLines(text, "  ")}`;
  });
  return `[\n${items.join(",\n")}\n]`;
}

export function compareAlerts(a: ComparedAlert, b: ComparedAlert): number {
  return compareLabels(a.labels, b.labels) || compareLabels(a.annotations, b.annotations);
}

/** Lines of two texts, those that only the first has in red, those that only the second has in green. */
export function colouredDiff(expected: string, got: string): string {
  const a = expected.split("\n");
  const b = got.split("\n");
  const common = longestCommon(a, b);
  const out: string[] = [];
  let i = 0;
  let j = 0;
  for (const line of [...common, null]) {
    while (i < a.length && a[i] !== line) out.push(`\u001b[0;31m- ${a[i++]}\u001b[0m`);
    while (j < b.length && b[j] !== line) out.push(`\u001b[0;32m+ ${b[j++]}\u001b[0m`);
    if (line === null) break;
    out.push(`  ${line}`);
    i++;
    j++;
  }
  return out.join("\n");
}

function longestCommon(a: readonly string[], b: readonly string[]): string[] {
  const table = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      table[i]![j] =
        a[i] === b[j] ? table[i + 1]![j + 1]! + 1 : Math.max(table[i + 1]![j]!, table[i]![j + 1]!);
    }
  }
  const common: string[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) {
      common.push(a[i]!);
      i++;
      j++;
    } else if (table[i + 1]![j]! >= table[i]![j + 1]!) i++;
    else j++;
  }
  return common;
}
