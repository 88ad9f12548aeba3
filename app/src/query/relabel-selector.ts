// `--selector.relabel-config` of the querier: which announced label sets count.
import type { Labels } from "@deucalion/model";

/** The rule for one label set; null keeps all. Throws APP_CONFIG. */
export async function relabelSelector(text: string): Promise<((labels: Labels) => boolean) | null> {
  if (text.trim() === "") return null;
  // Loaded only when it is needed: it brings the code for blocks with it, and starting is to be quick.
  const [{ relabelSelected }, { selectorRelabel }] = await Promise.all([
    import("@deucalion/blocks"),
    import("../store/selector.ts"),
  ]);
  const rules = selectorRelabel(text);
  return (labels) => relabelSelected(labels, rules) !== null;
}
