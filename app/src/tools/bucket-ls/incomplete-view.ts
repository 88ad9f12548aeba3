// A list that lacks blocks must not look complete.
import { BlocksError, type MetaView } from "@deucalion/blocks";

/** Throws if a meta.json could not be read for a reason that may pass. */
export function failIfIncomplete(view: MetaView): void {
  if (!view.incomplete) return;
  const blocks = [...view.unreadable].map(([id, reason]) => `${id}: ${reason}`).join("; ");
  throw new BlocksError("BLOCKS_LIST", `incomplete view: ${blocks}`);
}
