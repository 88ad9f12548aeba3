// Recorded gRPC calls of real servers: `NAME.request`, `NAME.response` and their decoded forms.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { FrameParser } from "@deucalion/rpc";

export interface RecordedCall {
  readonly folder: string;
  readonly name: string;
  readonly method: string;
  readonly status: number;
  readonly statusMessage: string;
  /** The only request message. */
  readonly request: Uint8Array;
  readonly responses: readonly Uint8Array[];
  /** One item for each response message. */
  readonly decoded: readonly unknown[];
}

/** The conformance folder beside the repository; null where it is not there. */
export function conformanceRoot(): string | null {
  const root = fileURLToPath(new URL("../../../../../../shared/conformance", import.meta.url));
  return existsSync(root) ? root : null;
}

/** Messages of concatenated gRPC frames. */
export function parseFrames(data: Uint8Array): Uint8Array[] {
  const out: Uint8Array[] = [];
  new FrameParser(1 << 30).push(data, out);
  return out;
}

/** All recorded gRPC calls, of one folder or of all. */
export function recordedCalls(only?: string): RecordedCall[] {
  const root = conformanceRoot();
  if (root === null) return [];
  const wire = join(root, "wire");
  const folders = readdirSync(wire).filter(
    (name) => name.startsWith("grpc-") && (only ?? name) === name,
  );
  return folders.flatMap((folder) => {
    const calls = JSON.parse(readFileSync(join(wire, folder, "calls.json"), "utf8")) as {
      name: string;
      method: string;
      grpc_code: number;
      grpc_message: string;
    }[];
    return calls.map(({ name, method, grpc_code, grpc_message }) => {
      const file = (extension: string) =>
        new Uint8Array(readFileSync(join(wire, folder, `${name}.${extension}`)));
      return {
        folder,
        name,
        method,
        status: grpc_code,
        statusMessage: grpc_message,
        request: parseFrames(file("request"))[0] ?? new Uint8Array(0),
        responses: parseFrames(file("response")),
        decoded: (JSON.parse(gunzipSync(file("decoded.json.gz")).toString()) ?? []) as unknown[],
      };
    });
  });
}
