// Checks of object names.
import { ObjstoreError } from "./errors.ts";

/** Throws OBJSTORE_NAME unless `name` is relative, not empty, and stays inside the bucket. */
export function checkObjectName(name: string): void {
  const bad =
    name === "" ||
    name.startsWith("/") ||
    name.endsWith("/") ||
    name.includes("\0") ||
    name.split("/").some((part) => part === "" || part === "." || part === "..");
  if (bad) throw new ObjstoreError("OBJSTORE_NAME", `not an object name: ${JSON.stringify(name)}`);
}

/** The folder a listing starts in: without leading and trailing slashes. Throws OBJSTORE_NAME on "..". */
export function checkPrefix(prefix: string): string {
  const folder = prefix.replace(/^\/+|\/+$/g, "");
  if (folder !== "") checkObjectName(folder);
  return folder;
}
