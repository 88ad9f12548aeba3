// A list of any length of which only the visible part is in the document. Rows may differ in height.
import type { ComponentChild, RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

interface Props<T> {
  readonly items: readonly T[];
  /** Identifies a row, so that its measured height stays with it. */
  readonly keyOf: (item: T, index: number) => string | number;
  /** Expected height of a row in pixels. */
  readonly estimate: number;
  readonly render: (item: T, index: number) => ComponentChild;
  /** The list scrolls in itself, at most this high (CSS length); without it the page scrolls. */
  readonly maxHeight?: string;
  readonly role?: "rowgroup" | "list";
  readonly class?: string;
}

const overscanPx = 400;

/** The rows from `items` that are on screen; above and below stands empty space of the right height. */
export function VirtualRows<T>(props: Props<T>) {
  const { items, estimate, keyOf } = props;
  const box = useRef<HTMLDivElement>(null);
  const heights = useRef(new Map<string | number, number>());
  const [view, setView] = useState({ top: 0, height: 900 });
  const [, measured] = useState(0);
  const own = props.maxHeight !== undefined;
  useView(box, own, setView);

  const from: number[] = new Array(items.length + 1);
  let y = 0;
  for (let i = 0; i < items.length; i++) {
    from[i] = y;
    y += heights.current.get(keyOf(items[i] as T, i)) ?? estimate;
  }
  from[items.length] = y;
  const first = lowerBound(from, view.top - overscanPx);
  let last = first;
  while (last < items.length && (from[last] ?? 0) < view.top + view.height + overscanPx) last++;

  useLayoutEffect(() => {
    let changed = false;
    for (const row of box.current?.querySelectorAll<HTMLElement>(":scope > [data-row]") ?? []) {
      const i = Number(row.dataset["row"]);
      const item = items[i];
      if (item === undefined) continue;
      const height = row.offsetHeight;
      const key = keyOf(item, i);
      if (height > 0 && (heights.current.get(key) ?? estimate) !== height) {
        heights.current.set(key, height);
        changed = true;
      }
    }
    if (changed) measured((n) => n + 1);
  });

  const shown: ComponentChild[] = [];
  for (let i = first; i < last; i++) {
    const item = items[i] as T;
    shown.push(
      <div
        key={keyOf(item, i)}
        data-row={i}
        role={props.role === "list" ? "listitem" : "presentation"}
      >
        {props.render(item, i)}
      </div>,
    );
  }
  return (
    <div
      ref={box}
      class={`virtual ${props.class ?? ""}`}
      role={props.role}
      // What scrolls must be in the keyboard's reach.
      {...(own ? { tabIndex: 0 } : {})}
      style={own ? { maxHeight: props.maxHeight, overflowY: "auto" } : {}}
    >
      <div style={{ height: `${from[first] ?? 0}px` }} aria-hidden="true" />
      {shown}
      <div style={{ height: `${y - (from[last] ?? y)}px` }} aria-hidden="true" />
    </div>
  );
}

/** The last index whose start is at or before `y`. */
function lowerBound(from: readonly number[], y: number): number {
  let lo = 0;
  let hi = Math.max(0, from.length - 2);
  while (lo < hi) {
    const mid = (lo + hi + 1) >> 1;
    if ((from[mid] ?? 0) <= y) lo = mid;
    else hi = mid - 1;
  }
  return lo;
}

function useView(
  box: RefObject<HTMLDivElement | null>,
  own: boolean,
  set: (view: { top: number; height: number }) => void,
): void {
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    let frame = 0;
    const read = (): void => {
      frame = 0;
      if (own) set({ top: element.scrollTop, height: element.clientHeight || 600 });
      else set({ top: -element.getBoundingClientRect().top, height: innerHeight });
    };
    const later = (): void => {
      if (frame === 0) frame = requestAnimationFrame(read);
    };
    const target: EventTarget = own ? element : window;
    target.addEventListener("scroll", later, { passive: true });
    addEventListener("resize", later);
    read();
    return () => {
      cancelAnimationFrame(frame);
      target.removeEventListener("scroll", later);
      removeEventListener("resize", later);
    };
  }, [box, own, set]);
}
