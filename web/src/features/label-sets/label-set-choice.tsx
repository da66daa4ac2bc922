"use client";

import { useState } from "react";

import { Button } from "@/components/ui/button";
import { classes } from "@/lib/classes";

import { NewLabelSet } from "./new-label-set";
import { useLabelSet } from "./use-label-set";

/** Which label set the page is about, and the way to a new one. */
export function LabelSetChoice() {
  const { labelSet, all, choose } = useLabelSet();
  const [making, setMaking] = useState(false);
  return (
    <div className="flex items-center gap-1.5">
      <label className={classes("flex items-center gap-2 text-muted text-xs", all.length === 0 && "invisible")}>
        Label set
        <select
          value={labelSet?.name ?? ""}
          onChange={(event) => choose(event.target.value)}
          className="min-h-8 rounded-md border border-line-strong bg-bg px-2 text-ink text-sm"
        >
          {all.map((one) => (
            <option key={one.name} value={one.name}>
              {one.name}
            </option>
          ))}
        </select>
      </label>
      <Button aria-label="New label set" title="New label set" onClick={() => setMaking(true)}>
        +
      </Button>
      {making && <NewLabelSet onClose={() => setMaking(false)} />}
    </div>
  );
}
