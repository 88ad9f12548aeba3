// Go's fmt: Sprint, Sprintln and Sprintf over the values of templates.
import { integerOf, kindOf, typeOfValue } from "./go-type.ts";
import { GoInterface, type GoValue } from "./go-value.ts";
import { type Form, noForm, printArg } from "./print-value.ts";

/** `fmt.Sprint`: blanks between operands that are both no strings. */
export function sprint(args: readonly GoValue[]): string {
  let out = "";
  let before = false;
  args.forEach((arg, index) => {
    const isText = kindOf(arg instanceof GoInterface ? arg.inner : arg) === "string";
    if (index > 0 && !isText && !before) out += " ";
    out += printArg(arg, "v", noForm());
    before = isText;
  });
  return out;
}

/** `fmt.Sprintln`. */
export function sprintln(args: readonly GoValue[]): string {
  return `${args.map((arg) => printArg(arg, "v", noForm())).join(" ")}\n`;
}

/** Numbers beyond this are no width, precision or index. */
const numberMax = 1_000_000;

/** Reads a format and prints by it. */
class Formatter {
  readonly #format: string;
  readonly #args: readonly GoValue[];
  #at = 0;
  #arg = 0;
  #reordered = false;
  #goodIndex = true;
  #out = "";

  constructor(format: string, args: readonly GoValue[]) {
    this.#format = format;
    this.#args = args;
  }

  run(): string {
    const format = this.#format;
    while (this.#at < format.length) {
      const percent = format.indexOf("%", this.#at);
      if (percent < 0) {
        this.#out += format.slice(this.#at);
        break;
      }
      this.#out += format.slice(this.#at, percent);
      this.#at = percent + 1;
      if (!this.#directive()) break;
    }
    if (!this.#reordered && this.#arg < this.#args.length) this.#extra();
    return this.#out;
  }

  /** One directive behind its percent sign; false at the end of the format. */
  #directive(): boolean {
    const form = noForm();
    this.#goodIndex = true;
    this.#flags(form);
    let indexed = this.#index();
    if (this.#format[this.#at] === "*") {
      this.#at++;
      form.width = this.#starred();
      if (form.width === null) this.#out += "%!(BADWIDTH)";
      else if (form.width < 0) {
        form.width = -form.width;
        form.minus = true;
        form.zero = false;
      }
      indexed = false;
    } else {
      form.width = this.#number();
      if (indexed && form.width !== null) this.#goodIndex = false;
    }
    if (this.#format[this.#at] === "." && this.#at + 1 < this.#format.length)
      indexed = this.#precision(form, indexed);
    if (!indexed) this.#index();
    if (this.#at >= this.#format.length) {
      this.#out += "%!(NOVERB)";
      return false;
    }
    this.#verb(form);
    return true;
  }

  #flags(form: Form): void {
    for (; this.#at < this.#format.length; this.#at++) {
      const letter = this.#format[this.#at];
      if (letter === "#") form.sharp = true;
      else if (letter === "0") form.zero = true;
      else if (letter === "+") form.plus = true;
      else if (letter === "-") form.minus = true;
      else if (letter === " ") form.space = true;
      else break;
    }
  }

  #precision(form: Form, indexed: boolean): boolean {
    this.#at++;
    if (indexed) this.#goodIndex = false;
    const again = this.#index();
    if (this.#format[this.#at] !== "*") {
      form.precision = this.#number() ?? 0;
      return again;
    }
    this.#at++;
    form.precision = this.#starred();
    if (form.precision !== null && form.precision < 0) form.precision = null;
    if (form.precision === null) this.#out += "%!(BADPREC)";
    return false;
  }

  #verb(form: Form): void {
    const verb = String.fromCodePoint(this.#format.codePointAt(this.#at)!);
    this.#at += verb.length;
    if (verb === "%") this.#out += "%";
    else if (!this.#goodIndex) this.#out += `%!${verb}(BADINDEX)`;
    else if (this.#arg >= this.#args.length) this.#out += `%!${verb}(MISSING)`;
    else {
      if (verb === "v" || verb === "w") {
        form.sharpV = form.sharp;
        form.sharp = false;
        form.plusV = form.plus;
        form.plus = false;
      }
      this.#out += printArg(this.#args[this.#arg++], verb, form);
    }
  }

  /** Digits at the cursor as a number, or null. */
  #number(): number | null {
    const digits = /^[0-9]+/.exec(this.#format.slice(this.#at))?.[0];
    if (digits === undefined) return null;
    this.#at += digits.length;
    return Number(digits) > 10 * numberMax ? null : Number(digits);
  }

  /** `[2]` at the cursor chooses the argument; true if there was one. */
  #index(): boolean {
    if (this.#format[this.#at] !== "[") return false;
    this.#reordered = true;
    const rest = this.#format.slice(this.#at);
    const close = rest.indexOf("]");
    if (close < 0) {
      this.#goodIndex = false;
      this.#at++;
      return false;
    }
    const inside = rest.slice(1, close);
    this.#at += close + 1;
    const isNumber = /^[0-9]+$/.test(inside);
    const index = Number(inside) - 1;
    if (isNumber && index >= 0 && index < this.#args.length) {
      this.#arg = index;
      return true;
    }
    this.#goodIndex = false;
    return isNumber;
  }

  /** The next argument as a width or precision, or null. */
  #starred(): number | null {
    if (this.#arg >= this.#args.length) return null;
    const value = integerOf(this.#args[this.#arg++]);
    if (value === null) return null;
    return value > BigInt(numberMax) || value < -BigInt(numberMax) ? null : Number(value);
  }

  #extra(): void {
    const rest = this.#args.slice(this.#arg).map((arg) => {
      const value = arg instanceof GoInterface ? arg.inner : arg;
      if (value === null || value === undefined) return "<nil>";
      return `${typeOfValue(value)}=${printArg(value, "v", noForm())}`;
    });
    this.#out += `%!(EXTRA ${rest.join(", ")})`;
  }
}

/** `fmt.Sprintf`. */
export function sprintf(format: string, args: readonly GoValue[]): string {
  return new Formatter(format, args).run();
}
