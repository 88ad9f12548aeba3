// Reads the settings of a provider key by key, with their defaults, and says what does not belong.
import { parseGoDuration, parsePromDuration } from "@deucalion/base";
import { ObjstoreError } from "../errors.ts";

type Fields = Readonly<Record<string, unknown>>;

/** One map of a configuration. Every error is OBJSTORE_CONFIG and names the key. */
export class ConfigReader {
  readonly #fields: Fields;
  readonly #where: string;
  readonly #asked = new Set<string>();

  /** `where` stands in messages: "S3 configuration", "http_config". */
  constructor(fields: unknown, where: string) {
    if (fields !== undefined && fields !== null) {
      if (typeof fields !== "object" || Array.isArray(fields))
        throw new ObjstoreError("OBJSTORE_CONFIG", `${where} must be a map`);
    }
    this.#fields = (fields ?? {}) as Fields;
    this.#where = where;
  }

  #fail(key: string, what: string): never {
    throw new ObjstoreError("OBJSTORE_CONFIG", `${this.#where}: ${key} ${what}`, { key });
  }

  #get(key: string): unknown {
    this.#asked.add(key);
    return this.#fields[key] ?? undefined;
  }

  text(key: string, fallback = ""): string {
    const value = this.#get(key);
    if (value === undefined) return fallback;
    if (typeof value === "object") this.#fail(key, "must be a text");
    return String(value);
  }

  /** A text that must be there. */
  required(key: string): string {
    const value = this.text(key);
    if (value === "") this.#fail(key, "is required");
    return value;
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.#get(key);
    if (value === undefined) return fallback;
    if (typeof value !== "boolean") this.#fail(key, "must be true or false");
    return value;
  }

  /** A whole number, not negative. */
  count(key: string, fallback: number): number {
    const value = this.#get(key);
    if (value === undefined) return fallback;
    const number = typeof value === "number" ? value : Number(String(value).trim() || Number.NaN);
    if (!Number.isSafeInteger(number) || number < 0)
      this.#fail(key, "must be a whole number, not negative");
    return number;
  }

  /** A duration in ms, in Prometheus' or Go's form. */
  durationMs(key: string, fallbackMs: number): number {
    const value = this.#get(key);
    if (value === undefined) return fallbackMs;
    if (value === 0) return 0;
    try {
      return parsePromDuration(String(value));
    } catch {
      try {
        return parseGoDuration(String(value));
      } catch {
        return this.#fail(key, `is not a duration: ${String(value)}`);
      }
    }
  }

  /** A map of texts. */
  texts(key: string): Readonly<Record<string, string>> {
    const value = this.#get(key);
    if (value === undefined) return {};
    if (typeof value !== "object" || value === null || Array.isArray(value))
      this.#fail(key, "must be a map");
    return Object.fromEntries(Object.entries(value).map(([name, text]) => [name, String(text)]));
  }

  /** A map inside this one. */
  section(key: string): ConfigReader {
    return new ConfigReader(this.#get(key), key);
  }

  /** Refuses keys that nobody asked for. */
  noOthers(): void {
    for (const key of Object.keys(this.#fields))
      if (!this.#asked.has(key)) this.#fail(key, "is not a known field");
  }
}
