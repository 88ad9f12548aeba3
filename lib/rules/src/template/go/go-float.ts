// Floats as Go's strconv writes them: %e, %f, %g, %x and %b, shortest or with a precision, halves to even.

/** Decimal digits of a number: 0.d1d2d3… times ten to the `point`. */
interface Decimal {
  readonly digits: string;
  readonly point: number;
}

function split(value: number): { mantissa: bigint; exponent: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const biased = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  if (biased === 0) return { mantissa: fraction, exponent: -1074 };
  return { mantissa: fraction | (1n << 52n), exponent: biased - 1075 };
}

/** Shortest digits that read back as the same number. */
function shortest(value: number): Decimal {
  if (value === 0) return { digits: "", point: 0 };
  const [mantissa, exponent] = value.toExponential().split("e") as [string, string];
  return { digits: mantissa.replace(".", ""), point: Number(exponent) + 1 };
}

/** All digits of the exact value. */
function exact(value: number): Decimal {
  if (value === 0) return { digits: "", point: 0 };
  const { mantissa, exponent } = split(value);
  if (exponent >= 0) {
    const digits = (mantissa << BigInt(exponent)).toString();
    return { digits: digits.replace(/0+$/, ""), point: digits.length };
  }
  const digits = (mantissa * 5n ** BigInt(-exponent)).toString();
  return { digits: digits.replace(/0+$/, ""), point: digits.length + exponent };
}

/** Rounds to so many digits, half to even; fewer than none gives zero. */
function round({ digits, point }: Decimal, count: number): Decimal {
  if (count < 0) return { digits: "", point: 0 };
  if (digits.length <= count) return { digits, point };
  const kept = digits.slice(0, count);
  const rest = digits.slice(count);
  const half = rest[0] === "5" && /^50*$/.test(rest);
  const last = count === 0 ? 0 : Number(kept[count - 1]);
  const up = half ? last % 2 === 1 : rest[0]! >= "5";
  if (!up) return trimmed({ digits: kept, point });
  if (/^9*$/.test(kept)) return { digits: "1", point: point + 1 };
  const sum = (BigInt(kept) + 1n).toString().padStart(count, "0");
  return trimmed({ digits: sum, point });
}

function trimmed({ digits, point }: Decimal): Decimal {
  const kept = digits.replace(/0+$/, "");
  return { digits: kept, point: kept === "" ? 0 : point };
}

function exponential({ digits, point }: Decimal, precision: number, letter: string): string {
  const padded = digits.padEnd(precision + 1, "0");
  const exponent = digits === "" ? 0 : point - 1;
  const mantissa = precision > 0 ? `${padded[0]}.${padded.slice(1, precision + 1)}` : padded[0]!;
  const size = String(Math.abs(exponent)).padStart(2, "0");
  return `${mantissa}${letter}${exponent < 0 ? "-" : "+"}${size}`;
}

function plain({ digits, point }: Decimal, precision: number): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, "0") : "0";
  if (precision <= 0) return whole;
  const zeros = point < 0 ? "0".repeat(Math.min(-point, precision)) : "";
  const fraction = `${zeros}${digits.slice(Math.max(point, 0))}`;
  return `${whole}.${fraction.padEnd(precision, "0").slice(0, precision)}`;
}

function general(value: number, precision: number, letter: string): string {
  const short = precision < 0;
  const wanted = precision === 0 ? 1 : precision;
  const decimal = short ? shortest(value) : round(exact(value), wanted);
  let from = short ? 6 : wanted;
  if (!short && from > decimal.digits.length && decimal.digits.length >= decimal.point)
    from = decimal.digits.length;
  const exponent = decimal.point - 1;
  if (exponent < -4 || exponent >= from) {
    return exponential(decimal, Math.max(decimal.digits.length - 1, 0), letter);
  }
  return plain(decimal, Math.max(decimal.digits.length - decimal.point, 0));
}

function hexadecimal(value: number, precision: number, upper: boolean): string {
  let text = "0x0p+00";
  if (value !== 0) {
    let { mantissa, exponent } = split(value);
    while (mantissa < 1n << 52n) {
      mantissa <<= 1n;
      exponent--;
    }
    exponent += 52;
    if (precision >= 0 && precision < 13) {
      const shift = BigInt(4 * (13 - precision));
      const half = 1n << (shift - 1n);
      const rest = mantissa & ((1n << shift) - 1n);
      mantissa >>= shift;
      if (rest > half || (rest === half && (mantissa & 1n) === 1n)) mantissa++;
      mantissa <<= shift;
      if (mantissa >= 1n << 53n) {
        mantissa >>= 1n;
        exponent++;
      }
    }
    const fraction = (mantissa & ((1n << 52n) - 1n)).toString(16).padStart(13, "0");
    const digits =
      precision < 0
        ? fraction.replace(/0+$/, "")
        : fraction.padEnd(precision, "0").slice(0, precision);
    const size = String(Math.abs(exponent)).padStart(2, "0");
    text = `0x1${digits === "" ? "" : `.${digits}`}p${exponent < 0 ? "-" : "+"}${size}`;
  } else if (precision > 0) text = `0x0.${"0".repeat(precision)}p+00`;
  return upper ? text.toUpperCase() : text;
}

/** Formats without a plus sign but for +Inf; `precision` −1 is the shortest. `verb` is one of e E f g G x X b. */
export function formatFloat(value: number, verb: string, precision: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const size = Math.abs(value);
  switch (verb) {
    case "e":
    case "E": {
      const decimal = precision < 0 ? shortest(size) : round(exact(size), precision + 1);
      const digits = precision < 0 ? Math.max(decimal.digits.length - 1, 0) : precision;
      return sign + exponential(decimal, digits, verb);
    }
    case "f": {
      if (precision < 0) {
        const decimal = shortest(size);
        return sign + plain(decimal, Math.max(decimal.digits.length - decimal.point, 0));
      }
      const all = exact(size);
      return sign + plain(round(all, all.point + precision), precision);
    }
    case "x":
    case "X":
      return sign + hexadecimal(size, precision, verb === "X");
    case "b": {
      const { mantissa, exponent } = split(size);
      return `${sign}${mantissa}p${exponent < 0 ? "-" : "+"}${Math.abs(exponent)}`;
    }
    default:
      return sign + general(size, precision, verb === "G" ? "E" : "e");
  }
}
