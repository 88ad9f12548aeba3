// A binary heap whose shape is that of Go's container/heap: which of equals comes first decides which sample stays.

/** Adds an item. `less` compares two items. */
export function pushHeap<T>(heap: T[], item: T, less: (a: T, b: T) => boolean): void {
  heap.push(item);
  for (let at = heap.length - 1; at > 0; ) {
    const parent = (at - 1) >> 1;
    if (!less(heap[at]!, heap[parent]!)) return;
    swap(heap, at, parent);
    at = parent;
  }
}

/** Takes the least item; undefined if there is none. */
export function popHeap<T>(heap: T[], less: (a: T, b: T) => boolean): T | undefined {
  const end = heap.length - 1;
  if (end < 0) return undefined;
  swap(heap, 0, end);
  for (let at = 0; ; ) {
    let child = 2 * at + 1;
    if (child >= end) break;
    if (child + 1 < end && less(heap[child + 1]!, heap[child]!)) child++;
    if (!less(heap[child]!, heap[at]!)) break;
    swap(heap, at, child);
    at = child;
  }
  return heap.pop();
}

function swap<T>(heap: T[], a: number, b: number): void {
  const item = heap[a]!;
  heap[a] = heap[b]!;
  heap[b] = item;
}
