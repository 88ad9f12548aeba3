// How the question is asked, as one sentence of which each part is a control.
import { Popover } from "../components/small.tsx";
import { config } from "../config.ts";
import { formatLabels } from "../format/labels.ts";
import { endpoints, replicaLabels } from "../state/stores.ts";
import { plural, t, tx } from "../text/t.ts";
import type { PanelModel } from "./panel-model.ts";
import { change } from "./panels.ts";

/** The sentence below the expression. Every change asks again at once and is in the address. */
export function OptionsSentence({ panel }: { readonly panel: PanelModel }) {
  const state = panel.state.value;
  const labels = replicaLabels.value;
  const by =
    labels === null || labels.length === 0
      ? null
      : labels.flatMap((name, i) => [i > 0 ? ", " : "", <code key={name}>{name}</code>]);
  const dot = (
    <span class="dot-sep" aria-hidden="true">
      ·
    </span>
  );
  return (
    <p class="sentence" data-testid="options">
      <button
        type="button"
        class="word"
        aria-pressed={state.dedup}
        aria-label={t("option.dedupName")}
        data-testid="option-dedup"
        title={t("option.dedupHelp")}
        onClick={() => change(panel, { dedup: !state.dedup })}
      >
        {!state.dedup
          ? t("option.dedupOff")
          : by === null
            ? t("option.dedup")
            : tx("option.dedupBy", { labels: by })}
      </button>
      {dot}
      <button
        type="button"
        class="word"
        aria-pressed={state.partial}
        aria-label={t("option.partialName")}
        data-testid="option-partial"
        title={t("option.partialHelp")}
        onClick={() => change(panel, { partial: !state.partial })}
      >
        {state.partial ? t("option.partial") : t("option.partialOff")}
      </button>
      {dot}
      <label class="word">
        {t("option.resolution")}{" "}
        <select
          value={state.maxSource}
          data-testid="option-resolution"
          title={t("option.resolutionHelp")}
          onChange={(event) => change(panel, { maxSource: event.currentTarget.value })}
        >
          <option value="auto">{t("option.auto")}</option>
          <option value="0s">{t("option.raw")}</option>
          <option value="5m">{t("option.5m")}</option>
          <option value="1h">{t("option.1h")}</option>
          {!["auto", "0s", "5m", "1h"].includes(state.maxSource) && (
            <option value={state.maxSource}>{state.maxSource}</option>
          )}
        </select>
      </label>
      {dot}
      <StoreChoice panel={panel} />
      {(config.displayTenantBox || state.tenant !== "") && (
        <>
          {dot}
          <label class="word">
            {t("option.tenant")}{" "}
            <input
              class="tenant"
              value={state.tenant}
              placeholder={config.defaultTenant}
              data-testid="option-tenant"
              onChange={(event) => change(panel, { tenant: event.currentTarget.value.trim() })}
            />
          </label>
        </>
      )}
    </p>
  );
}

function StoreChoice({ panel }: { readonly panel: PanelModel }) {
  const chosen = panel.state.value.stores;
  const known = endpoints.value ?? [];
  const label =
    chosen.length === 0
      ? known.length === 0
        ? t("option.storesAll")
        : plural(known.length, "option.storesAllOne", "option.storesAllN")
      : chosen.length === 1
        ? t("option.storesOnly", { name: chosen[0] ?? "" })
        : t("option.storesSome", { n: chosen.length });
  const toggle = (address: string): void => {
    const next = chosen.includes(address)
      ? chosen.filter((a) => a !== address)
      : [...chosen, address];
    change(panel, { stores: next });
  };
  const gone = chosen.filter((address) => !known.some((e) => e.address === address));
  return (
    <Popover label={label} name={t("option.storesName")} class="word">
      {() => (
        <div class="store-choice" data-testid="store-choice">
          <button
            type="button"
            class="button small"
            disabled={chosen.length === 0}
            onClick={() => change(panel, { stores: [] })}
          >
            {t("option.storesAll")}
          </button>
          <ul class="plain">
            {known.map((e) => (
              <li key={e.address}>
                <label>
                  <input
                    type="checkbox"
                    checked={chosen.includes(e.address)}
                    onChange={() => toggle(e.address)}
                  />
                  <span class={`dot dot-${e.state}`} aria-hidden="true" />
                  <span>
                    <bdi>{e.address}</bdi> <span class="hint">{e.component}</span>
                    <br />
                    <small>{e.labelSets.map(formatLabels).join(" ")}</small>
                  </span>
                </label>
              </li>
            ))}
            {gone.map((address) => (
              <li key={address}>
                <label>
                  <input type="checkbox" checked onChange={() => toggle(address)} />
                  <span>
                    {address} <span class="hint">{t("option.storeGone")}</span>
                  </span>
                </label>
              </li>
            ))}
          </ul>
        </div>
      )}
    </Popover>
  );
}
