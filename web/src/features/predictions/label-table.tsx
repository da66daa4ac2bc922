"use client";

import type { Answered, Schemas } from "@/api/client";
import { classes } from "@/lib/classes";
import { count, interval, labelName, score } from "@/lib/format";

import type { Filterable } from "./filters";
import { usePredictionsStore } from "./store";

/** Each label: whether it is shown, how many there are, and what the model is worth on it in test bars. */
export function LabelTable({
  labels,
  predictions,
  metrics,
  chosen,
  onChoose,
}: {
  labels: readonly Schemas["Label"][];
  predictions: readonly Filterable[];
  metrics: Answered<"Evaluation"> | null;
  /** The label whose reliability is looked at; null for all together. */
  chosen: string | null;
  onChoose: (label: string | null) => void;
}) {
  const { hiddenLabels, setLabelShown } = usePredictionsStore();
  return (
    <table className="tabular w-full text-left text-xs">
      <caption className="sr-only">Labels: shown or not, how many, precision, recall and F1 in test bars</caption>
      <thead className="text-muted">
        <tr>
          <th scope="col" className="py-1 font-medium">
            Label
          </th>
          <th scope="col" className="py-1 pl-1 text-right font-medium" title="Predictions loaded">
            here
          </th>
          <th scope="col" className="py-1 pl-1.5 text-right font-medium">
            <abbr title="Precision" className="no-underline">
              P
            </abbr>
          </th>
          <th scope="col" className="py-1 pl-1.5 text-right font-medium">
            <abbr title="Recall" className="no-underline">
              R
            </abbr>
          </th>
          <th scope="col" className="py-1 pl-1.5 text-right font-medium">
            F1
          </th>
          <th scope="col" className="py-1 pl-1.5 text-right font-medium">
            <abbr title="Support: spans in test bars" className="no-underline">
              n
            </abbr>
          </th>
        </tr>
      </thead>
      <tbody className="divide-y divide-line border-line border-t">
        {labels.map(({ name, code }) => {
          const found = metrics?.labels.find((one) => one.label === name);
          const shown = !hiddenLabels.includes(name);
          const intervalOf = (range: readonly number[] | null | undefined) =>
            range ? `95 % interval ${interval(range)}` : "no interval: too few spans";
          return (
            <tr key={name} className={classes(!shown && "text-muted")}>
              <th scope="row" className="py-0.5 font-normal">
                <span className="flex min-h-6 items-center gap-1.5">
                  <input
                    type="checkbox"
                    className="size-4 shrink-0"
                    aria-label={`Show ${labelName(name)}`}
                    checked={shown}
                    onChange={(event) => setLabelShown(name, event.target.checked)}
                  />
                  <button
                    type="button"
                    aria-pressed={chosen === name}
                    title={`${labelName(name)}: show its reliability`}
                    onClick={() => onChoose(chosen === name ? null : name)}
                    className={classes(
                      "min-h-6 truncate rounded px-1 text-left",
                      chosen === name && "bg-chosen text-chosen-ink",
                    )}
                  >
                    <span className="font-mono">{code}</span>
                    <span className="sr-only"> {labelName(name)}</span>
                  </button>
                </span>
              </th>
              <td className="pl-1 text-right">{count(predictions.filter((one) => one.label === name).length)}</td>
              <td className="pl-1.5 text-right" title={intervalOf(found?.precision_interval)}>
                {score(found?.precision)}
              </td>
              <td className="pl-1.5 text-right" title={intervalOf(found?.recall_interval)}>
                {score(found?.recall)}
              </td>
              <td className="pl-1.5 text-right font-semibold" title={intervalOf(found?.f1_interval)}>
                {score(found?.f1)}
                {found?.f1_interval && (
                  <span className="block font-normal text-[10.5px] text-muted leading-3">
                    {interval(found.f1_interval)}
                  </span>
                )}
              </td>
              <td className="pl-1.5 text-right">{found ? count(found.support) : "–"}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
