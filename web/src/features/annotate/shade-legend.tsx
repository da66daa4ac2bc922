"use client";

import type { PageScene } from "@/features/annotate/use-scene";

const SHADES = [
  {
    shade: "reviewed",
    name: "reviewed",
    means: "Looked at completely: what is not marked there is background",
    look: {
      borderBottom: "3px solid var(--reviewed)",
      background: "color-mix(in srgb, var(--reviewed) 12%, transparent)",
    },
  },
  {
    shade: "partly",
    name: "for some labels",
    means: "Reviewed for some labels only; the table of spans says for which",
    look: { borderBottom: "3px dashed var(--reviewed)" },
  },
  {
    shade: "test",
    name: "test bars",
    means: "Marks here measure, they do not teach",
    look: { borderLeft: "1px solid var(--test)", background: "color-mix(in srgb, var(--test) 22%, transparent)" },
  },
] as const;

/** What the shades behind the candles mean: those that lie on the bars that are loaded. */
export function ShadeLegend({ scene: { shades } }: { scene: PageScene }) {
  const there = SHADES.filter(({ shade }) => shades[shade].length > 0);
  if (there.length === 0) return null;
  return (
    <ul aria-label="Shades of the chart" className="ml-auto flex shrink-0 items-center gap-3 pl-3 text-muted text-xs">
      {there.map(({ shade, name, means, look }) => (
        <li key={shade} title={means} className="flex items-center gap-1 whitespace-nowrap">
          <span aria-hidden="true" className="h-3 w-4" style={look} />
          {name}
        </li>
      ))}
    </ul>
  );
}
