// Checks that the optional packages of a provider are installed.
import { ObjstoreError } from "../errors.ts";

/** Throws OBJSTORE_CONFIG, saying what to install, unless the package is there. */
export function requirePackages(type: string, packages: readonly string[]): void {
  for (const name of packages) {
    try {
      import.meta.resolve(name);
    } catch (cause) {
      throw new ObjstoreError(
        "OBJSTORE_CONFIG",
        `object stores of type ${type} need the package ${name}: run "npm install ${name}" where Deucalion is installed`,
        { name },
        { cause },
      );
    }
  }
}
