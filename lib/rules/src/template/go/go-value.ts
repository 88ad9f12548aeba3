// Values as Go's templates see them: JavaScript's own where that says enough, small classes for the rest.

/**
 * - undefined: no value at all; null: a nil of an interface type
 * - string, boolean as they are; number is a float64; bigint is an int
 */
export type GoValue =
  | undefined
  | null
  | boolean
  | string
  | number
  | bigint
  | GoInterface
  | GoInteger
  | GoComplex
  | GoText
  | GoMap
  | GoSlice
  | GoStruct
  | GoPointer;

/** A value that was read from a place of an interface type: errors then name that type. */
export class GoInterface {
  readonly inner: Exclude<GoValue, undefined | GoInterface>;

  constructor(inner: Exclude<GoValue, undefined | GoInterface>) {
    this.inner = inner;
  }
}

/** A value that can be called as `.Name`, or a function by its name. */
export interface GoFunction {
  /** Types of the parameters as Go prints them; "any" is `interface {}`, "value" takes anything untouched. */
  readonly params: readonly string[];
  /** The last parameter takes any number of arguments. */
  readonly variadic?: boolean;
  /** Arguments are of the types of the parameters. Throws GoFailure. */
  readonly call: (args: GoValue[]) => GoValue;
}

/** Finds a function by its name. */
export type FunctionLookup = (name: string) => GoFunction | undefined;

export type GoMethods = Readonly<Record<string, GoFunction>>;

/** An integer of a type other than int. */
export class GoInteger {
  readonly type: string;
  readonly signed: boolean;
  readonly value: bigint;
  readonly methods: GoMethods;
  /** Its `String()`; null where the type has none. */
  readonly text: string | null;

  constructor(
    type: string,
    signed: boolean,
    value: bigint,
    methods: GoMethods = {},
    text: string | null = null,
  ) {
    this.type = type;
    this.signed = signed;
    this.value = value;
    this.methods = methods;
    this.text = text;
  }
}

export class GoComplex {
  readonly real: number;
  readonly imaginary: number;

  constructor(real: number, imaginary: number) {
    this.real = real;
    this.imaginary = imaginary;
  }
}

/** A string of a type other than string. */
export class GoText {
  readonly type: string;
  readonly text: string;

  constructor(type: string, text: string) {
    this.type = type;
    this.text = text;
  }
}

/** A map with strings as keys. */
export class GoMap {
  readonly type: string;
  /** Type of the values: what is missing is its zero value. */
  readonly element: "string" | "any";
  readonly entries: ReadonlyMap<string, GoValue>;

  constructor(element: "string" | "any", entries: ReadonlyMap<string, GoValue>) {
    this.type = element === "string" ? "map[string]string" : "map[string]interface {}";
    this.element = element;
    this.entries = entries;
  }

  get(key: string): GoValue {
    const value = this.entries.get(key);
    if (value === undefined) return this.element === "string" ? "" : new GoInterface(null);
    if (this.element === "string" || value instanceof GoInterface) return value;
    return new GoInterface(value);
  }
}

export class GoSlice {
  readonly type: string;
  readonly items: GoValue[];

  constructor(type: string, items: GoValue[]) {
    this.type = type;
    this.items = items;
  }
}

export class GoStruct {
  readonly type: string;
  readonly fields: ReadonlyMap<string, GoValue>;
  readonly methods: GoMethods;
  /** Its `String()`; null where the type has none. */
  readonly text: string | null;

  constructor(
    type: string,
    fields: ReadonlyMap<string, GoValue>,
    methods: GoMethods = {},
    text: string | null = null,
  ) {
    this.type = type;
    this.fields = fields;
    this.methods = methods;
    this.text = text;
  }
}

export class GoPointer {
  /** With the asterisk. */
  readonly type: string;
  readonly target: GoStruct | GoInteger | null;

  constructor(type: string, target: GoStruct | GoInteger | null) {
    this.type = type;
    this.target = target;
  }
}

/** An error that a function returned, or a panic in it; the message is Go's. */
export class GoFailure extends Error {}
