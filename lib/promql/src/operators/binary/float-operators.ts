// Binary operators on floats: over whole columns, and for one pair.
import { goAtan2 } from "../../functions/math/go-trigonometry.ts";
import type { BinaryOp } from "../../parse/ast.ts";

/** A whole power by squaring, as Go multiplies it; NaN where it comes near the ends of the range. */
function wholePower(a: number, exponent: number): number {
  let result = 1;
  let square = a;
  for (let rest = Math.abs(exponent); rest > 0; rest >>= 1) {
    if ((rest & 1) === 1) result *= square;
    square *= square;
  }
  const size = Math.abs(result);
  if (!(size > 1e-290 && size < 1e290)) return Number.NaN;
  return exponent < 0 ? 1 / result : result;
}

/** Go's math.Pow where JavaScript's differs: 1^x and (−1)^±Inf are 1, and whole powers are rounded otherwise. */
function power(a: number, b: number): number {
  if (a === 1) return 1;
  if (a === -1 && (b === Number.POSITIVE_INFINITY || b === Number.NEGATIVE_INFINITY)) return 1;
  if (b === 0.5 && a > 0) return Math.sqrt(a);
  if (b === -0.5 && a > 0) return 1 / Math.sqrt(a);
  if (Number.isInteger(b) && Math.abs(b) <= 1024) {
    const whole = wholePower(a, b);
    if (!Number.isNaN(whole)) return whole;
  }
  return a ** b;
}

/** True for operators that compare. */
export function isComparison(op: BinaryOp): boolean {
  return op === "==" || op === "!=" || op === ">" || op === "<" || op === ">=" || op === "<=";
}

/** True for operators whose result is no longer the metric it was. */
export function changesMeaning(op: BinaryOp): boolean {
  switch (op) {
    case "+":
    case "-":
    case "*":
    case "/":
    case "%":
    case "^":
    case "atan2":
      return true;
    default:
      return false;
  }
}

/** The arithmetic of two floats. NaN for operators that are not arithmetic. */
export function arithmetic(op: BinaryOp, a: number, b: number): number {
  switch (op) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    case "%":
      return a % b;
    case "^":
      return power(a, b);
    case "atan2":
      return goAtan2(a, b);
    default:
      return Number.NaN;
  }
}

/** Whether a comparison holds. */
export function compare(op: BinaryOp, a: number, b: number): boolean {
  switch (op) {
    case "==":
      return a === b;
    case "!=":
      return a !== b;
    case ">":
      return a > b;
    case "<":
      return a < b;
    case ">=":
      return a >= b;
    case "<=":
      return a <= b;
    default:
      return false;
  }
}

type Columns = Float64Array;

/** out[i] = a[i] op b[i]; `out` may be one of the inputs. */
export function arithmeticColumns(op: BinaryOp, a: Columns, b: Columns, out: Columns): void {
  const { length } = out;
  switch (op) {
    case "+":
      for (let i = 0; i < length; i++) out[i] = a[i]! + b[i]!;
      return;
    case "-":
      for (let i = 0; i < length; i++) out[i] = a[i]! - b[i]!;
      return;
    case "*":
      for (let i = 0; i < length; i++) out[i] = a[i]! * b[i]!;
      return;
    case "/":
      for (let i = 0; i < length; i++) out[i] = a[i]! / b[i]!;
      return;
    case "%":
      for (let i = 0; i < length; i++) out[i] = a[i]! % b[i]!;
      return;
    default:
      for (let i = 0; i < length; i++) out[i] = arithmetic(op, a[i]!, b[i]!);
  }
}

/** holds[i] = 1 where a[i] op b[i]. */
export function compareColumns(op: BinaryOp, a: Columns, b: Columns, holds: Uint8Array): void {
  const { length } = holds;
  switch (op) {
    case ">":
      for (let i = 0; i < length; i++) holds[i] = a[i]! > b[i]! ? 1 : 0;
      return;
    case "<":
      for (let i = 0; i < length; i++) holds[i] = a[i]! < b[i]! ? 1 : 0;
      return;
    case "==":
      for (let i = 0; i < length; i++) holds[i] = a[i]! === b[i]! ? 1 : 0;
      return;
    default:
      for (let i = 0; i < length; i++) holds[i] = compare(op, a[i]!, b[i]!) ? 1 : 0;
  }
}
