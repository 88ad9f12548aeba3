// Status: how this process runs, how it was built, and the flags it was started with.
import { useState } from "preact/hooks";
import { type PageData, usePageData } from "../components/page-data.ts";
import { DataNotices, PageHead } from "../components/page-head.tsx";
import { ago, formatTime } from "../format/time.ts";
import { zone } from "../state/settings.ts";
import { t } from "../text/t.ts";

type Values = Readonly<Record<string, unknown>>;

/** Three tables. */
export function StatusPage() {
  const runtime = usePageData<Values>("status/runtimeinfo", 15_000);
  const build = usePageData<Values>("status/buildinfo", 0);
  const flags = usePageData<Values>("status/flags", 0);
  const [filter, setFilter] = useState("");
  return (
    <>
      <PageHead
        title={t("nav.status")}
        filter={filter}
        setFilter={setFilter}
        placeholder={t("status.filter")}
      />
      <Table title={t("status.runtime")} data={runtime} filter="" />
      <Table title={t("status.build")} data={build} filter="" />
      <Table title={t("status.flags")} data={flags} filter={filter} prefix="--" />
    </>
  );
}

function shown(name: string, value: unknown): string {
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  if (name !== "startTime") return text;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? text : `${formatTime(ms, zone.value)} (${ago(ms, Date.now())})`;
}

function Table(props: {
  readonly title: string;
  readonly data: PageData<Values>;
  readonly filter: string;
  readonly prefix?: string;
}) {
  const word = props.filter.trim().toLowerCase();
  const rows = Object.entries(props.data.answer?.data ?? {})
    .map(([name, value]) => [name, shown(name, value)] as const)
    .filter(([name, value]) => `${props.prefix ?? ""}${name} ${value}`.toLowerCase().includes(word))
    .sort(([a], [b]) => (props.prefix === undefined ? 0 : a < b ? -1 : 1));
  return (
    <section class="card">
      <h2>{props.title}</h2>
      <DataNotices data={props.data} />
      <table class="values">
        <tbody>
          {rows.map(([name, value]) => (
            <tr key={name}>
              <th scope="row">
                {props.prefix}
                {name}
              </th>
              <td>{value}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
