"use client";

import { Kbd } from "@/components/ui/kbd";
import { labelName } from "@/features/annotate/layers";
import { ShadeLegend } from "@/features/annotate/shade-legend";
import type { PageScene } from "@/features/annotate/use-scene";
import { useSession, useWorkspace } from "@/features/annotate/workspace";
import { classes } from "@/lib/classes";

/** Buttons of labels that fit beside the chart; sets with more are picked from a list. */
const MOST = 12;

/** The labels with their digits: what a key would say of the marked bars. */
export function LabelPalette({ scene }: { scene: PageScene }) {
  const { labelSet } = useWorkspace();
  const last = useSession((state) => state.label);
  const drawing = useSession((state) => state.mode.kind === "draw");
  const { labels } = labelSet;
  return (
    <div className="flex h-9 shrink-0 items-center overflow-x-auto border-line border-b px-2">
      <div role="toolbar" aria-label="Labels" className="flex items-center gap-1">
        <button
          type="button"
          data-key="d"
          aria-pressed={drawing}
          onClick={scene.commands.toggleDraw}
          className={classes(
            "flex min-h-6 items-center gap-1 whitespace-nowrap rounded border px-1.5 text-xs",
            drawing ? "border-chosen bg-chosen text-chosen-ink" : "border-line-strong",
          )}
        >
          Draw <Kbd>D</Kbd>
        </button>
        <span className="mx-1 h-4 w-px bg-line" />
        {labels.length <= MOST ? (
          labels.map((label) => (
            <button
              key={label.name}
              type="button"
              data-key={label.hotkey ?? undefined}
              title={`${labelName(label.name)}${label.bars ? `, ${label.bars} ${label.bars === 1 ? "bar" : "bars"}` : ""}`}
              onClick={() => scene.commands.giveLabel(label)}
              className={classes(
                "flex min-h-6 items-center gap-1 whitespace-nowrap rounded border px-1.5 text-xs hover:bg-surface",
                last === label.name ? "border-human" : "border-line",
              )}
            >
              {label.hotkey && <Kbd>{label.hotkey}</Kbd>}
              <span className="max-2xl:hidden">{labelName(label.name)}</span>
              <span className="font-mono 2xl:hidden">{label.code}</span>
            </button>
          ))
        ) : (
          <select
            aria-label="Label"
            value={last ?? ""}
            onChange={(event) => {
              const label = labels.find((one) => one.name === event.target.value);
              if (label) scene.commands.giveLabel(label);
            }}
            className="h-6 rounded border border-line-strong bg-bg px-1 text-xs"
          >
            <option value="" disabled>
              Label the marked bars
            </option>
            {labels.map((label) => (
              <option key={label.name} value={label.name}>
                {label.code} {labelName(label.name)}
              </option>
            ))}
          </select>
        )}
      </div>
      <ShadeLegend scene={scene} />
    </div>
  );
}
