import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { commands } from "../commands.ts";
import { flagsDocument } from "./flags-document.ts";

const path = fileURLToPath(new URL("../../../../docs/flags.md", import.meta.url));

test("docs/flags.md lists the flags as they are", async () => {
  const want = await flagsDocument(commands);
  if (process.env.UPDATE === "1") writeFileSync(path, want);
  assert.equal(readFileSync(path, "utf8"), want);
});
