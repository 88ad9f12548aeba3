// `--selector.relabel-config` of the querier: which announced label sets count.
import { relabelSelected } from "@deucalion/blocks";
import type { Labels } from "@deucalion/model";
import { selectorRelabel } from "../store/selector.ts";

/** The rule for one label set; null keeps all. Throws APP_CONFIG. */
export function relabelSelector(text: string): ((labels: Labels) => boolean) | null {
  if (text.trim() === "") return null;
  const rules = selectorRelabel(text);
  return (labels) => relabelSelected(labels, rules) !== null;
}
