// The value of a pair of flags `--x-file=<path>` and `--x=<content>`.
import { readFileSync } from "node:fs";
import { messageOf } from "@deucalion/base";
import { AppError } from "../errors.ts";

/** A configuration given as a file or as text. It is read when asked for. */
export class ConfigText {
  /** Name of the flag with the content; the other has `-file` behind it. */
  readonly name: string;
  readonly path: string;
  readonly content: string;
  readonly #env: boolean;
  readonly #required: boolean;

  constructor(
    name: string,
    path: string,
    content: string,
    options: { readonly env: boolean; readonly required: boolean },
  ) {
    this.name = name;
    this.path = path;
    this.content = content;
    this.#env = options.env;
    this.#required = options.required;
  }

  /** The text, "" where neither flag is given. Throws APP_CONFIG. */
  read(env: Readonly<Record<string, string | undefined>> = process.env): string {
    if (this.path !== "" && this.content !== "") {
      throw new AppError("APP_CONFIG", `both ${this.name}-file and ${this.name} flags set.`);
    }
    let text = this.content;
    if (this.path !== "") {
      try {
        text = readFileSync(this.path, "utf8");
      } catch (cause) {
        const message = `loading file ${this.path} for ${this.name}: ${messageOf(cause)}`;
        throw new AppError("APP_CONFIG", message, { path: this.path }, { cause });
      }
    }
    if (text === "" && this.#required) {
      throw new AppError(
        "APP_CONFIG",
        `flag ${this.name}-file or ${this.name} is required for running this command and content cannot be empty.`,
      );
    }
    return this.#env ? expandEnv(text, env) : text;
  }
}

/** Replaces `$(NAME)` by environment variables. Throws APP_CONFIG for one that is not set. */
export function expandEnv(text: string, env: Readonly<Record<string, string | undefined>>): string {
  return text.replace(/\$\(([a-zA-Z_0-9]+)\)/g, (_, name: string) => {
    const value = env[name];
    if (value === undefined) {
      throw new AppError("APP_CONFIG", `found reference to unset environment variable "${name}"`);
    }
    return value;
  });
}
