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
  const { memory, exports } = instantiateAll([text], pages);
  return { memory, exports: exports[0]! };
}

/** Modules over one memory; `add` makes one more over it. */
export function instantiateAll(
  texts: readonly string[],
  pages: number,
): {
  readonly memory: ArrayBuffer;
  readonly exports: readonly Record<string, unknown>[];
  readonly add: (text: string) => Record<string, unknown>;
} {
  const api = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
  const memory = new api.Memory({ initial: pages, maximum: pages });
  const add = (text: string): Record<string, unknown> => {
    const module = new api.Module(Buffer.from(text, "base64"));
    return new api.Instance(module, { env: { memory } }).exports;
  };
  return { memory: memory.buffer, exports: texts.map(add), add };
}
