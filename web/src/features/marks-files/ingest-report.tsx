import type { Schemas } from "@/api/client";
import { count, labelName, plural } from "@/lib/format";

type Report = Schemas["IngestReport"];

const SHOWN = 8;

/** What became of the spans of a file: kept by label, dropped with row and reason. */
export function IngestReport({ report }: { report: Report }) {
  const kept = Object.values(report.kept).reduce((sum, one) => sum + one, 0);
  return (
    <div className="space-y-3">
      <p>
        <strong>
          {count(kept)} of {plural(report.rows, "span")} kept.
        </strong>{" "}
        {Object.entries(report.kept)
          .map(([label, number]) => `${labelName(label)} ${count(number)}`)
          .join(", ")}
      </p>
      <ul className="space-y-1 text-muted text-sm">
        {report.snapped > 0 && <li>{count(report.snapped)} were moved by at most half a bar to where a bar opens.</li>}
        {report.other_length > 0 && (
          <li>{count(report.other_length)} have another number of bars than their label says.</li>
        )}
        {report.within_a_bar > 0 && (
          <li>{count(report.within_a_bar)} lie within one bar: were they marked on a shorter timeframe?</li>
        )}
        {report.two_labels.length > 0 && (
          <li>{count(report.two_labels.length)} lie on the same bars as another label.</li>
        )}
        {report.notes.map((note) => (
          <li key={note}>{note}</li>
        ))}
      </ul>
      {report.dropped.length > 0 && (
        <table className="w-full text-left text-sm">
          <caption className="mb-1 text-left font-medium">{plural(report.dropped.length, "span")} not taken</caption>
          <thead className="text-muted text-xs">
            <tr>
              <th className="py-1 pr-3 font-medium">Row</th>
              <th className="py-1 font-medium">Why</th>
            </tr>
          </thead>
          <tbody className="divide-y divide-line border-line border-t align-top">
            {report.dropped.slice(0, SHOWN).map((one) => (
              <tr key={`${one.row} ${one.reason} ${one.message}`}>
                <td className="tabular py-1 pr-3">{one.row}</td>
                <td className="py-1">{one.message}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {report.dropped.length > SHOWN && (
        <p className="text-muted text-xs">and {count(report.dropped.length - SHOWN)} more.</p>
      )}
    </div>
  );
}
