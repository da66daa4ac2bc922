import { create } from "zustand";

import type { Answered } from "@/api/client";
import { asProblem, type Problem } from "@/api/errors";
import { alarm, announce } from "@/lib/announce";
import { count } from "@/lib/format";
import { upload } from "@/lib/upload";

export type ImportOptions = {
  readonly symbol: string;
  readonly timezone: string;
  readonly timeframe: string;
  readonly dayFirst: "" | "true" | "false";
  readonly strict: boolean;
};

export const NO_OPTIONS: ImportOptions = { symbol: "", timezone: "", timeframe: "", dayFirst: "", strict: false };

/** Where the candles of a file go: a series of their own, or one that is there. */
export type Destination = { readonly to: "new" } | { readonly to: "append"; seriesId: string; revise: boolean };

export type Outcome =
  | ({ readonly kind: "imported" } & Answered<"ImportAnswer">)
  | ({ readonly kind: "appended" } & Answered<"AppendAnswer">);

export type FileImport = {
  readonly key: string;
  readonly file: File;
  readonly options: ImportOptions;
  readonly destination: Destination;
  /** How much of the file is on its way, 0 to 1. At 1 the service reads it. */
  readonly sent: number;
  readonly outcome: Outcome | null;
  readonly problem: Problem | null;
};

type ImportState = {
  readonly imports: readonly FileImport[];
  start: (file: File, options: ImportOptions, destination: Destination) => Promise<Outcome | null>;
  cancel: (key: string) => void;
  dismiss: (key: string) => void;
};

const running = new Map<string, AbortController>();
let made = 0;

/** Files on their way and what became of them; kept while one looks at other pages. */
export const useImports = create<ImportState>((set) => {
  const change = (key: string, fields: Partial<FileImport>) =>
    set(({ imports }) => ({ imports: imports.map((one) => (one.key === key ? { ...one, ...fields } : one)) }));
  return {
    imports: [],
    start: async (file, options, destination) => {
      made += 1;
      const key = `import-${made}`;
      const controller = new AbortController();
      running.set(key, controller);
      const begun = { key, file, options, destination, sent: 0, outcome: null, problem: null };
      set(({ imports }) => ({ imports: [begun, ...imports] }));
      try {
        const outcome = await send(file, options, destination, controller.signal, (sent) => change(key, { sent }));
        change(key, { sent: 1, outcome });
        announce(`${file.name}: ${count(outcome.report.rows_kept)} candles, series ${outcome.series_id}.`);
        return outcome;
      } catch (error) {
        const problem = asProblem(error);
        if (problem.code === "cancelled") set(({ imports }) => ({ imports: imports.filter((one) => one.key !== key) }));
        else {
          change(key, { problem });
          alarm(`${file.name}: ${problem.message}`);
        }
        return null;
      } finally {
        running.delete(key);
      }
    },
    cancel: (key) => running.get(key)?.abort(),
    dismiss: (key) => set(({ imports }) => ({ imports: imports.filter((one) => one.key !== key) })),
  };
});

async function send(
  file: File,
  options: ImportOptions,
  destination: Destination,
  signal: AbortSignal,
  onProgress: (share: number) => void,
): Promise<Outcome> {
  const query = {
    name: file.name,
    symbol: options.symbol.trim(),
    timezone: options.timezone.trim(),
    timeframe: options.timeframe.trim(),
    day_first: options.dayFirst,
    strict: options.strict || undefined,
  };
  if (destination.to === "new") {
    const answer = await upload<Answered<"ImportAnswer">>({ path: "/series", query, file, onProgress, signal });
    return { kind: "imported", ...answer };
  }
  const answer = await upload<Answered<"AppendAnswer">>({
    path: `/series/${encodeURIComponent(destination.seriesId)}/candles`,
    query: { ...query, revise: destination.revise || undefined },
    file,
    onProgress,
    signal,
  });
  return { kind: "appended", ...answer };
}
