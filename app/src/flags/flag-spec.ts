// What one flag is: how it is written, what it turns into, how it is shown.

/** One flag of a command line, or a pair `--x-file`/`--x` where `pair` is set. */
export interface FlagSpec<T> {
  readonly help: string;
  /** Texts taken when the flag is absent; empty for none. */
  readonly defaults: readonly string[];
  /** Stands for the value in help. */
  readonly placeholder?: string;
  readonly short?: string;
  /** Takes no value and has a `--no-` form. */
  readonly boolean: boolean;
  readonly repeated: boolean;
  readonly hidden: boolean;
  readonly required: boolean;
  /** Two flags: the path of a file, and its content. */
  readonly pair: boolean;
  /** How the default is written in help; quoted for plain text. */
  readonly quoted: boolean;
  /** Turns the texts given (or the defaults) into the value; throws with a message for the user. */
  readonly parse: (texts: readonly string[]) => T;
  /** The value as `/api/v1/status/flags` shows it. */
  show(value: T): string;
}

/** A table of flags by name, without dashes in front. */
export type FlagTable = Readonly<Record<string, FlagSpec<unknown>>>;

/** The values that a table parses to. */
export type FlagValues<Table extends FlagTable> = {
  readonly [Name in keyof Table]: Table[Name] extends FlagSpec<infer T> ? T : never;
};

/** Properties that any flag may have beside its type, default and help. */
export interface FlagExtras {
  readonly short?: string;
  readonly hidden?: boolean;
  readonly required?: boolean;
  readonly placeholder?: string;
  readonly quoted?: boolean;
}

/** Makes a flag that takes one value. A default of undefined means that absence is the parsed value of no text. */
export function single<T>(
  fallback: string | undefined,
  help: string,
  parse: (text: string) => T,
  show: (value: T) => string,
  absent: T,
  extras: FlagExtras = {},
): FlagSpec<T> {
  return {
    help,
    defaults: fallback === undefined ? [] : [fallback],
    boolean: false,
    repeated: false,
    hidden: extras.hidden ?? false,
    required: extras.required ?? false,
    pair: false,
    quoted: extras.quoted ?? false,
    ...(extras.short === undefined ? {} : { short: extras.short }),
    ...(extras.placeholder === undefined ? {} : { placeholder: extras.placeholder }),
    parse: (texts) => (texts.length === 0 ? absent : parse(texts[texts.length - 1]!)),
    show,
  };
}

/** Makes a flag that may be given any number of times. */
export function repeated<T>(
  defaults: readonly string[],
  help: string,
  parse: (texts: readonly string[]) => readonly T[],
  show: (value: readonly T[]) => string,
  extras: FlagExtras = {},
): FlagSpec<readonly T[]> {
  return {
    ...single(undefined, help, String, String, "", extras),
    defaults,
    repeated: true,
    parse,
    show,
  };
}
