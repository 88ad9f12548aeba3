// An endpoint as the fan-outs of the small APIs see it.
import type { Labels } from "@deucalion/model";
import type { ComponentType } from "../messages/info-messages.ts";
import type {
  ExemplarsSource,
  MetadataSource,
  RulesSource,
  StatusSource,
  TargetsSource,
} from "../sources.ts";

/** Null for an API says that the endpoint does not have it. */
export interface ApiEndpoint {
  readonly address: string;
  readonly kind: ComponentType;
  readonly labelSets: () => readonly Labels[];
  /** Null if it can be asked; else why not. */
  readonly unreachable: string | null;
  readonly rules: RulesSource | null;
  readonly targets: TargetsSource | null;
  readonly metadata: MetadataSource | null;
  readonly exemplars: ExemplarsSource | null;
  readonly status: StatusSource | null;
}
