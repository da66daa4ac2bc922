"use client";

import { useQueryClient } from "@tanstack/react-query";
import { type DragEvent, type ReactNode, useRef, useState } from "react";

import { keys } from "@/api/queries";
import { Button } from "@/components/ui/button";
import { CheckField, SelectField, TextField } from "@/components/ui/field";

import { type Destination, type ImportOptions, NO_OPTIONS, useImports } from "./import-store";

/** Start the import of files; the list of series is renewed when one is through. */
export function useImportFiles() {
  const client = useQueryClient();
  const start = useImports((state) => state.start);
  return (files: readonly File[], options: ImportOptions = NO_OPTIONS, destination: Destination = { to: "new" }) => {
    for (const file of files) {
      void start(file, options, destination).then(() => client.invalidateQueries({ queryKey: keys.series }));
    }
  };
}

/** The whole page takes files that are dropped on it. */
export function DropTarget({ children }: { children: ReactNode }) {
  const importFiles = useImportFiles();
  const [over, setOver] = useState(false);
  const depth = useRef(0);
  const hasFiles = (event: DragEvent) => event.dataTransfer.types.includes("Files");
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is a shortcut; the button beside it does the same
    <div
      className="relative flex min-h-0 flex-1 flex-col"
      onDragEnter={(event) => {
        if (!hasFiles(event)) return;
        depth.current += 1;
        setOver(true);
      }}
      onDragOver={(event) => {
        if (hasFiles(event)) event.preventDefault();
      }}
      onDragLeave={(event) => {
        if (!hasFiles(event)) return;
        depth.current -= 1;
        if (depth.current === 0) setOver(false);
      }}
      onDrop={(event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        depth.current = 0;
        setOver(false);
        importFiles([...event.dataTransfer.files]);
      }}
    >
      {children}
      {over && (
        <div className="pointer-events-none absolute inset-3 z-10 grid place-items-center rounded-xl border-2 border-human border-dashed bg-bg/85 font-semibold text-lg">
          Drop to import
        </div>
      )}
    </div>
  );
}

/** A button that asks for files. */
export function FileButton({
  children,
  onFiles,
  look = "plain",
  small = false,
  multiple = false,
  accept,
}: {
  children: ReactNode;
  onFiles: (files: readonly File[]) => void;
  look?: "plain" | "chosen";
  small?: boolean;
  multiple?: boolean;
  accept?: string;
}) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button look={look} small={small} onClick={() => input.current?.click()}>
        {children}
      </Button>
      <input
        ref={input}
        type="file"
        multiple={multiple}
        accept={accept}
        tabIndex={-1}
        aria-hidden="true"
        className="hidden"
        onChange={(event) => {
          onFiles([...(event.target.files ?? [])]);
          event.target.value = "";
        }}
      />
    </>
  );
}

/** What a file does not say itself; needed seldom, so it opens on demand. */
export function ImportOptionFields({
  options,
  onChange,
}: {
  options: ImportOptions;
  onChange: (options: ImportOptions) => void;
}) {
  return (
    <div className="grid gap-3 sm:grid-cols-2 lg:grid-cols-4">
      <TextField
        label="Symbol"
        placeholder="from the file or its name"
        value={options.symbol}
        onChange={(event) => onChange({ ...options, symbol: event.target.value })}
      />
      <TextField
        label="Time zone of the file"
        placeholder="Europe/Berlin"
        hint="Where neither file nor vendor tells it"
        value={options.timezone}
        onChange={(event) => onChange({ ...options, timezone: event.target.value })}
      />
      <TextField
        label="Timeframe"
        placeholder="1m, 4h, 1d: told by the times"
        value={options.timeframe}
        onChange={(event) => onChange({ ...options, timeframe: event.target.value })}
      />
      <SelectField
        label="Dates such as 03/04/2020"
        value={options.dayFirst}
        onChange={(event) => onChange({ ...options, dayFirst: event.target.value as ImportOptions["dayFirst"] })}
      >
        <option value="">told by the file</option>
        <option value="true">day first (3 April)</option>
        <option value="false">month first (4 March)</option>
      </SelectField>
      <div className="sm:col-span-2 lg:col-span-4">
        <CheckField
          label="Refuse the file when anything is wrong with it"
          checked={options.strict}
          onChange={(event) => onChange({ ...options, strict: event.target.checked })}
        />
      </div>
    </div>
  );
}
