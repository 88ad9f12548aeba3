// Colours of lines: twelve that are told apart on light and on dark ground, then the same again.

const light = [
  "#0b7a75",
  "#c8553d",
  "#3d5a9e",
  "#b8860b",
  "#7b3f98",
  "#2e8b3d",
  "#c2407a",
  "#4a7fb5",
  "#8a5a2b",
  "#5b8c00",
  "#a83232",
  "#5f6b7a",
];
const dark = [
  "#4cc4bd",
  "#f08a72",
  "#8fa8f0",
  "#e6b84a",
  "#c493e0",
  "#6fcf7f",
  "#f083b4",
  "#7cb8ea",
  "#cfa06e",
  "#a8d050",
  "#ef7f7f",
  "#a3b0c0",
];

/** The colour of the n-th series. */
export function seriesColor(n: number, onDark: boolean): string {
  const list = onDark ? dark : light;
  return list[n % list.length] ?? "#888";
}
