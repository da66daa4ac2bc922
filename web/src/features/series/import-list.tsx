"use client";

import Link from "next/link";

import { Button } from "@/components/ui/button";
import { TextField } from "@/components/ui/field";
import { Card } from "@/components/ui/page";
import { ProgressBar } from "@/components/ui/progress-bar";
import { bytes, percent } from "@/lib/format";

import { useImportFiles } from "./import-panel";
import { appendWords, ImportReport } from "./import-report";
import { type FileImport, useImports } from "./import-store";

/** Files on their way, and the report of each that has arrived. */
export function ImportList() {
  const imports = useImports((state) => state.imports);
  if (imports.length === 0) return null;
  return (
    <ul className="mb-5 space-y-3" aria-label="Imported files">
      {imports.map((one) => (
        <li key={one.key}>
          <Card className="p-4">
            <Import one={one} />
          </Card>
        </li>
      ))}
    </ul>
  );
}

function Import({ one }: { one: FileImport }) {
  const { cancel, dismiss } = useImports();
  const busy = one.outcome === null && one.problem === null;
  return (
    <div className="space-y-3">
      <div className="flex items-baseline gap-x-3">
        <div className="flex min-w-0 flex-1 flex-wrap items-baseline gap-x-3">
          <h2 className="min-w-0 truncate font-semibold">{one.file.name}</h2>
          <span className="whitespace-nowrap text-muted text-xs">{bytes(one.file.size)}</span>
        </div>
        {one.outcome && (
          <Link
            className="max-w-1/2 truncate font-medium text-human underline"
            href={`/annotate/${encodeURIComponent(one.outcome.series_id)}`}
          >
            Open {one.outcome.series_id}
          </Link>
        )}
        {busy ? (
          <Button small onClick={() => cancel(one.key)}>
            Cancel
          </Button>
        ) : (
          <Button
            small
            look="quiet"
            aria-label={`Close the report of ${one.file.name}`}
            onClick={() => dismiss(one.key)}
          >
            ✕
          </Button>
        )}
      </div>
      {busy && (
        <div className="space-y-1">
          <ProgressBar value={one.sent < 1 ? one.sent : null} label={`Upload of ${one.file.name}`} />
          <p className="text-muted text-xs">{one.sent < 1 ? `${percent(one.sent)} sent` : "Reading the candles."}</p>
        </div>
      )}
      {one.problem && <Refused one={one} />}
      {one.outcome?.kind === "appended" && <p>{appendWords(one.outcome)}</p>}
      {one.outcome?.kind === "imported" && !one.outcome.created && (
        <p className="text-muted">Exactly these candles were there already.</p>
      )}
      {one.outcome && <ImportReport report={one.outcome.report} />}
    </div>
  );
}

/** Why a file was refused, and what one can do about it. */
function Refused({ one }: { one: FileImport }) {
  const dismiss = useImports((state) => state.dismiss);
  const importFiles = useImportFiles();
  const { problem } = one;
  if (problem === null) return null;
  const exists = problem.code === "series_exists" ? problem.body.series_id : undefined;
  const differs = problem.code === "candles_differ" && one.destination.to === "append" ? one.destination : undefined;
  const again = (destination: FileImport["destination"], options: FileImport["options"] = one.options) => {
    dismiss(one.key);
    importFiles([one.file], options, destination);
  };
  const nameless = problem.field === "symbol";
  return (
    <div className="space-y-2">
      <p className="text-bad" role="alert">
        {problem.message}
      </p>
      {nameless && (
        <form
          className="flex flex-wrap items-end gap-2"
          onSubmit={(event) => {
            event.preventDefault();
            const symbol = String(new FormData(event.currentTarget).get("symbol") ?? "").trim();
            if (symbol !== "") again(one.destination, { ...one.options, symbol });
          }}
        >
          <TextField name="symbol" label={`Symbol of ${one.file.name}`} placeholder="BTCUSD" className="w-56" />
          <Button type="submit">Import it</Button>
        </form>
      )}
      <div className="flex flex-wrap gap-2">
        {typeof exists === "string" && (
          <Button small onClick={() => again({ to: "append", seriesId: exists, revise: false })}>
            Append to {exists}
          </Button>
        )}
        {differs && (
          <Button small onClick={() => again({ ...differs, revise: true })}>
            Accept the new values
          </Button>
        )}
        {problem.isAway && (
          <Button small onClick={() => again(one.destination)}>
            Try again
          </Button>
        )}
      </div>
    </div>
  );
}
