"use client";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import type { Schemas } from "@/api/client";
import { asProblem } from "@/api/errors";
import { keys } from "@/api/queries";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { CheckField, SelectField } from "@/components/ui/field";
import { Notice } from "@/components/ui/notice";
import { alarm, announce } from "@/lib/announce";
import { plural } from "@/lib/format";
import { upload } from "@/lib/upload";

import { IngestReport } from "./ingest-report";

type Format = Schemas["FileFormat"];

/** Each format of the service: one that it learns is missing here until this has a name for it. */
const NAMES: Readonly<Record<Format, { name: string; file: string }>> = {
  json: { name: "JSON", file: "annotations.json" },
  csv: { name: "CSV", file: "annotations.csv" },
  "bars-csv": { name: "CSV, a row per bar", file: "annotations.bars.csv" },
  jsonl: { name: "JSON lines", file: "annotations.jsonl" },
  parquet: { name: "Parquet", file: "annotations.parquet" },
  "label-studio": { name: "Label Studio", file: "task.json" },
};
const FORMATS = (Object.keys(NAMES) as Format[]).map((value) => ({ value, ...NAMES[value] }));

const ENDINGS: Readonly<Record<string, Format>> = { csv: "csv", jsonl: "jsonl", ndjson: "jsonl", parquet: "parquet" };

/** The format that the ending of a file tells; JSON also for Label Studio's exports, CSV also with a row per bar. */
export function formatOf(name: string): Format {
  return ENDINGS[name.toLowerCase().split(".").at(-1) ?? ""] ?? "json";
}

/** Annotations of a series as files: out in each format, in from other tools. */
export function MarksFiles({ seriesId, labelSet }: { seriesId: string; labelSet: string }) {
  const [importing, setImporting] = useState(false);
  return (
    <section className="space-y-2" aria-label="Annotations as files">
      <h2 className="font-semibold">Annotations as files</h2>
      <div className="flex flex-wrap items-center gap-2">
        <span className="text-muted text-xs">Export</span>
        {FORMATS.map(({ value, name, file }) => (
          <a
            key={value}
            href={`/api/annotations/export?${new URLSearchParams({ series_id: seriesId, label_set: labelSet, format: value })}`}
            download={`${seriesId}-${file}`}
            className="inline-flex min-h-6 items-center rounded-md border border-line-strong bg-raised px-2 font-medium text-xs hover:bg-bg"
          >
            {name}
          </a>
        ))}
      </div>
      <Button small onClick={() => setImporting(true)}>
        Import annotations
      </Button>
      {importing && <ImportMarks seriesId={seriesId} labelSet={labelSet} onClose={() => setImporting(false)} />}
    </section>
  );
}

function ImportMarks({ seriesId, labelSet, onClose }: { seriesId: string; labelSet: string; onClose: () => void }) {
  const client = useQueryClient();
  const [file, setFile] = useState<File | null>(null);
  const [format, setFormat] = useState<Format>("json");
  const [as, setAs] = useState<"human" | "talib">("human");
  const [complete, setComplete] = useState(false);
  const send = useMutation({
    mutationFn: (chosen: File) =>
      upload<Schemas["IngestReport"]>({
        path: "/annotations/import",
        query: {
          series_id: seriesId,
          label_set: labelSet,
          as,
          format,
          complete: (as === "human" && complete) || undefined,
        },
        file: chosen,
        onProgress: () => {},
      }),
    onSuccess: async (report) => {
      const kept = Object.values(report.kept).reduce((sum, one) => sum + one, 0);
      announce(`${plural(kept, "span")} kept of ${report.rows}.`);
      await client.invalidateQueries({ queryKey: keys.series });
    },
    onError: (error) => alarm(asProblem(error).message),
  });
  return (
    <Dialog title={`Import annotations into ${seriesId}`} onClose={onClose}>
      {send.data ? (
        <div className="space-y-4">
          <IngestReport report={send.data} />
          <div className="flex justify-end">
            <Button look="chosen" onClick={onClose}>
              Done
            </Button>
          </div>
        </div>
      ) : (
        <form
          className="space-y-4"
          onSubmit={(event) => {
            event.preventDefault();
            if (file) send.mutate(file);
          }}
        >
          <label className="block">
            <span className="mb-1 block font-medium text-xs">File</span>
            <input
              type="file"
              accept=".json,.jsonl,.ndjson,.csv,.parquet"
              className="block w-full text-sm file:mr-3 file:min-h-8 file:rounded-md file:border file:border-line-strong file:bg-bg file:px-3 file:text-ink"
              onChange={(event) => {
                const chosen = event.target.files?.[0] ?? null;
                setFile(chosen);
                if (chosen) setFormat(formatOf(chosen.name));
              }}
            />
          </label>
          <div className="grid gap-3 sm:grid-cols-2">
            <SelectField
              label="Format"
              hint="JSON reads exports of Label Studio too, CSV a row per bar."
              value={format}
              onChange={(event) => setFormat(event.target.value as Format)}
            >
              {FORMATS.map(({ value, name }) => (
                <option key={value} value={value}>
                  {name}
                </option>
              ))}
            </SelectField>
            <SelectField
              label="Whose annotations these are"
              value={as}
              onChange={(event) => setAs(event.target.value as "human" | "talib")}
            >
              <option value="human">a person's</option>
              <option value="talib">TA-Lib's</option>
            </SelectField>
          </div>
          {as === "human" && (
            <CheckField
              label="They are complete"
              hint="Somebody looked at every bar of the series: what is not marked is background, and teaches."
              checked={complete}
              onChange={(event) => setComplete(event.target.checked)}
            />
          )}
          {send.error && <Notice look="bad">{asProblem(send.error).message}</Notice>}
          <div className="flex justify-end gap-2">
            <Button onClick={onClose}>Cancel</Button>
            <Button type="submit" look="chosen" disabled={file === null || send.isPending}>
              Import
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
