// The part of WebAssembly's interface that kernels use; the types of Node 20 do not have it.

interface WebAssemblyApi {
  readonly Memory: new (size: { initial: number; maximum: number }) => { buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: Record<string, Record<string, unknown>>,
  ) => { exports: Record<string, unknown> };
}

/** A module over memory of a fixed number of pages of 64 KiB; `text` is the module in base64. */
export function instantiate(
  text: string,
  pages: number,
): { readonly memory: ArrayBuffer; readonly exports: Record<string, unknown> } {
  const api = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
  const memory = new api.Memory({ initial: pages, maximum: pages });
  const module = new api.Module(Buffer.from(text, "base64"));
  const { exports } = new api.Instance(module, { env: { memory } });
  return { memory: memory.buffer, exports };
}
