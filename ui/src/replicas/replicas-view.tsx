import type { PanelModel } from "../query/panel-model.ts";
export function ReplicasView(_: { readonly panel: PanelModel }) {
  return null;
}
