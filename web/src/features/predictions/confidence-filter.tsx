"use client";

import { useId, useState } from "react";

import { percent } from "@/lib/format";
import { focusChart } from "@/lib/keymap";

import { BINS, histogram } from "./filters";
import { usePredictionsStore } from "./store";

const HEIGHT = 44;

/** Least confidence: a slider under the true histogram of what is there, and a number to type. */
export function ConfidenceFilter({ confidences, shown }: { confidences: readonly number[]; shown: number }) {
  const id = useId();
  const { minConfidence, setMinConfidence } = usePredictionsStore();
  const [typed, setTyped] = useState<string | null>(null);
  const counts = histogram(confidences);
  const most = Math.max(1, ...counts);
  const wrong = typed !== null && !isShare(typed);
  return (
    <fieldset className="space-y-1.5">
      <legend className="sr-only">Least confidence</legend>
      <div className="flex items-center gap-2">
        <label htmlFor={`${id}-number`} className="flex-1 font-medium text-xs">
          Least confidence
        </label>
        <input
          id={`${id}-number`}
          inputMode="decimal"
          value={typed ?? minConfidence.toFixed(2)}
          aria-invalid={wrong}
          aria-describedby={wrong ? `${id}-wrong` : undefined}
          onChange={(event) => {
            setTyped(event.target.value);
            if (isShare(event.target.value)) setMinConfidence(Number(event.target.value));
          }}
          onBlur={() => setTyped(null)}
          data-filter=""
          onKeyDown={(event) => {
            if (event.key !== "Enter" && event.key !== "Escape") return;
            setTyped(null);
            focusChart();
          }}
          className="tabular h-7 w-16 rounded-md border border-line-strong bg-bg px-2 text-right text-sm aria-[invalid=true]:border-bad"
        />
      </div>
      {wrong && (
        <p id={`${id}-wrong`} className="text-bad text-xs">
          A number from 0 to 1.
        </p>
      )}
      <svg viewBox={`0 0 ${BINS * 10} ${HEIGHT}`} className="block h-11 w-full" preserveAspectRatio="none" role="img">
        <title>{`Confidence of ${confidences.length} predictions, ${shown} shown`}</title>
        {counts.map((count, bin) => {
          const height = count === 0 ? 0 : Math.max(1.5, (count / most) * (HEIGHT - 2));
          const kept = (bin + 1) / BINS > minConfidence;
          return (
            <rect
              // biome-ignore lint/suspicious/noArrayIndexKey: a bin is its place
              key={bin}
              x={bin * 10 + 0.75}
              width={8.5}
              y={HEIGHT - height}
              height={height}
              fill={kept ? "var(--model)" : "var(--line-strong)"}
              opacity={kept ? 1 : 0.45}
            />
          );
        })}
        <line x1="0" x2={BINS * 10} y1={HEIGHT} y2={HEIGHT} stroke="var(--line-strong)" />
      </svg>
      <input
        type="range"
        min={0}
        max={1}
        step={0.01}
        value={minConfidence}
        aria-label="Least confidence, slider"
        aria-valuetext={percent(minConfidence)}
        onChange={(event) => {
          setTyped(null);
          setMinConfidence(Number(event.target.value));
        }}
        className="block h-6 w-full"
      />
    </fieldset>
  );
}

function isShare(text: string): boolean {
  const value = Number(text);
  return text.trim() !== "" && Number.isFinite(value) && value >= 0 && value <= 1;
}
