import { Fragment } from "react";

import { Tag } from "@/components/ui/tag";
import { count, interval, labelName, moment, score } from "@/lib/format";

import { IntervalBar } from "./interval-bar";
import type { Model } from "./service";

const HEAD = "sticky left-0 z-1 bg-raised py-2 pr-4 pl-4 text-left font-normal";

/** Versions side by side: what each measured on the test bars, label by label. */
export function CompareTable({ models }: { models: readonly Model[] }) {
  const labels = [...new Set(models.flatMap((model) => model.metrics?.labels.map((one) => one.label) ?? []))];
  return (
    <table className="w-full text-left">
      <caption className="sr-only">Precision, recall and F1 of each label, by version</caption>
      <thead className="border-line border-b align-bottom">
        <tr>
          <th scope="col" className={`${HEAD} text-muted text-xs`}>
            Event scores at IoU 0.5, in test bars
          </th>
          {models.map((model) => (
            <th key={model.version} scope="col" className="min-w-48 px-4 py-2 font-normal">
              <span className="font-mono font-semibold text-sm">{model.version}</span>{" "}
              {model.champion && <Tag look="good">serves</Tag>}
              <span className="tabular block text-muted text-xs">{moment(model.trained_at)}</span>
            </th>
          ))}
        </tr>
      </thead>
      <tbody className="divide-y divide-line">
        <tr>
          <th scope="row" className={HEAD}>
            <span className="font-semibold">Macro-F1</span>
            <span className="block text-muted text-xs">mean over labels with support</span>
          </th>
          {models.map(({ version, metrics }) => (
            <td key={version} className="px-4 py-2 align-top">
              <span className="tabular font-semibold text-base">{score(metrics?.macro_f1)}</span>{" "}
              <span className="tabular text-muted text-xs">{interval(metrics?.macro_f1_interval)}</span>
              <IntervalBar value={metrics?.macro_f1} range={metrics?.macro_f1_interval} />
            </td>
          ))}
        </tr>
        {labels.map((label) => (
          <tr key={label}>
            <th scope="row" className={HEAD}>
              {labelName(label)}
            </th>
            {models.map(({ version, metrics }) => {
              const found = metrics?.labels.find((one) => one.label === label);
              return (
                <td key={version} className="px-4 py-2 align-top">
                  {found === undefined || found.f1 === null ? (
                    <span className="text-muted text-xs">{found ? "not measurable: no spans in test bars" : "–"}</span>
                  ) : (
                    <>
                      <dl className="tabular grid grid-cols-[auto_auto_auto_1fr] gap-x-3">
                        {(
                          [
                            ["F1", found.f1],
                            ["P", found.precision],
                            ["R", found.recall],
                          ] as const
                        ).map(([name, value]) => (
                          <Fragment key={name}>
                            <div className="flex gap-1">
                              <dt className="text-muted text-xs leading-5">{name}</dt>
                              <dd className={name === "F1" ? "font-semibold" : undefined}>{score(value)}</dd>
                            </div>
                          </Fragment>
                        ))}
                        <div className="flex justify-end gap-1 text-muted text-xs leading-5">
                          <dt>of</dt>
                          <dd>{count(found.support)}</dd>
                        </div>
                      </dl>
                      <IntervalBar value={found.f1} range={found.f1_interval} look="muted" />
                    </>
                  )}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
