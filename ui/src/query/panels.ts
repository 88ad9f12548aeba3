// All panels of the query page, kept in step with the address.
import { effect, signal, untracked } from "@preact/signals";
import { page, search, setSearch } from "../state/router.ts";
import { decodePanels, encodePanels, type PanelState, panelDefaults } from "../url/panel-state.ts";
import { PanelModel } from "./panel-model.ts";

let nextId = 1;

/** The panels from top to bottom. */
export const panels = signal<readonly PanelModel[]>([]);

/** The query string of all panels, as it stands in the address of the query page. */
export function panelsSearch(): string {
  return encodePanels(panels.value.map((panel) => panel.state.value));
}

/** Reads the panels from the address; those whose state did not change keep their answer. */
function fromAddress(text: string): void {
  const states = decodePanels(text);
  const old = panels.value;
  panels.value = states.map((state, i) => {
    const same = old[i];
    if (same === undefined) return open(state);
    if (JSON.stringify(same.state.value) !== JSON.stringify(state)) {
      same.state.value = state;
      same.draft.value = state.expr;
      void same.ask();
    }
    return same;
  });
  for (const gone of old.slice(states.length)) gone.cancel();
}

function open(state: PanelState): PanelModel {
  const panel = new PanelModel(nextId++, state);
  if (state.expr !== "") void panel.ask();
  return panel;
}

/** Follows the address: first load, back and forward, links to the page. */
export function startPanels(): void {
  effect(() => {
    const text = search.value;
    if (page.value !== "query") return;
    if (panels.peek().length > 0 && text === peekEncoded()) return;
    untracked(() => fromAddress(text));
  });
}

function peekEncoded(): string {
  return encodePanels(panels.peek().map((panel) => panel.state.peek()));
}

/**
 * Changes a panel's state, writes the address, and asks again if the change needs another answer. A change of the looks
 * alone (`asks` false) makes no entry in the browser's history.
 */
export function change(panel: PanelModel, patch: Partial<PanelState>, asks = true): void {
  panel.state.value = { ...panel.state.value, ...patch };
  if (patch.expr !== undefined) panel.draft.value = patch.expr;
  setSearch(panelsSearch(), asks);
  if (asks) void panel.ask();
}

/** Runs what the editor holds. */
export function runDraft(panel: PanelModel): void {
  change(panel, { expr: panel.draft.value.trim() });
}

/** Adds a panel below `after`, a copy of it if asked, or an empty one at the end. */
export function addPanel(after: PanelModel | null, copy: boolean): void {
  const list = [...panels.value];
  const base = after ?? list[list.length - 1];
  const state =
    copy && base !== undefined ? { ...base.state.value, expr: base.draft.value } : panelDefaults;
  const fresh = open(state);
  const at = after === null ? list.length : list.indexOf(after) + 1;
  list.splice(at, 0, fresh);
  panels.value = list;
  setSearch(panelsSearch(), true);
}

/** Removes a panel; the last one is emptied instead. */
export function removePanel(panel: PanelModel): void {
  panel.cancel();
  const rest = panels.value.filter((p) => p !== panel);
  panels.value = rest.length === 0 ? [open(panelDefaults)] : rest;
  setSearch(panelsSearch(), true);
}
