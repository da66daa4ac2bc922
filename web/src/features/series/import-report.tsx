import type { Answered } from "@/api/client";
import { Tag } from "@/components/ui/tag";
import { count, day, plural } from "@/lib/format";

type Report = Answered<"ImportReportView">;
type Defect = Answered<"Defect">;

/** What was in a file: rows, rows kept, and each defect with its rows, in words. Nothing was repaired silently. */
export function ImportReport({ report }: { report: Report }) {
  const quarantined = report.rows_in - report.rows_kept;
  return (
    <div className="space-y-3">
      <dl className="tabular flex flex-wrap gap-x-6 gap-y-1 text-sm">
        <Fact name="rows kept" value={`${count(report.rows_kept)} of ${count(report.rows_in)}`} />
        <Fact name="quarantined" value={count(quarantined)} />
        <Fact name="timeframe" value={report.timeframe} />
        <Fact name="from" value={`${day(report.first_time)} to ${day(report.last_time)}`} />
        <Fact name="time zone" value={report.timezone} />
        <Fact name="read as" value={report.family} />
      </dl>
      {report.defects.length === 0 ? (
        <p className="text-good">Nothing was wrong with it.</p>
      ) : (
        <table className="w-full text-left text-sm">
          <caption className="sr-only">What was wrong, and in which rows</caption>
          <thead className="text-muted text-xs">
            <tr>
              <th className="py-1 pr-3 font-medium">What</th>
              <th className="py-1 pr-3 text-right font-medium">Times</th>
              <th className="py-1 pr-3 font-medium max-sm:hidden">Rows</th>
              <th className="py-1 font-medium">Then</th>
            </tr>
          </thead>
          <tbody className="divide-y divide-line border-line border-t align-top">
            {report.defects.map((defect) => (
              <tr key={`${defect.kind} ${defect.message}`}>
                <td className="py-1.5 pr-3">
                  {defect.message}
                  <span className="tabular block text-muted text-xs sm:hidden">{rowWords(defect)}</span>
                </td>
                <td className="tabular py-1.5 pr-3 text-right">{count(defect.count)}</td>
                <td className="tabular py-1.5 pr-3 text-muted max-sm:hidden">{rowWords(defect)}</td>
                <td className="py-1.5">
                  <Tag look={defect.action === "quarantined" ? "warn" : "plain"}>{defect.action}</Tag>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {report.notes.length > 0 && (
        <ul className="list-disc pl-5 text-muted text-xs">
          {report.notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** 12, 14–17 and 3 more */
export function rowWords({ ranges = [], rows, count: all }: Defect): string {
  const places = (ranges.length > 0 ? ranges : rows.map((row) => [row])).map((place) => {
    const first = place[0] ?? 0;
    return { first, last: place[1] ?? first };
  });
  if (places.length === 0) return "";
  const named = places.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const text = places
    .map(({ first, last }) => (first === last ? count(first) : `${count(first)}–${count(last)}`))
    .join(", ");
  return all > named ? `${text} and ${count(all - named)} more` : text;
}

/** One line about what an append changed. */
export function appendWords(answer: Answered<"AppendAnswer">): string {
  const parts = [
    answer.appended > 0 && `${count(answer.appended)} new`,
    answer.inserted > 0 && `${count(answer.inserted)} inserted`,
    answer.revised > 0 && `${count(answer.revised)} revised`,
    answer.unchanged > 0 && `${count(answer.unchanged)} known already`,
  ].filter(Boolean);
  const flagged =
    answer.flagged > 0
      ? ` ${plural(answer.flagged, "annotation")} over changed candles ${answer.flagged === 1 ? "is" : "are"} flagged.`
      : "";
  return `${parts.join(", ") || "Nothing new"}; ${count(answer.bars)} candles now.${flagged}`;
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div className="flex gap-1.5">
      <dt className="whitespace-nowrap text-muted">{name}</dt>
      <dd className="font-medium">{value}</dd>
    </div>
  );
}
