"use client";

import { type ComponentProps, type ReactNode, useState } from "react";
import { HoverCard, type Hovered } from "@/features/annotate/hover-card";
import type { PageScene } from "@/features/annotate/use-scene";
import { WindowState } from "@/features/annotate/window-state";
import { useSession, useWindow } from "@/features/annotate/workspace";
import { CandleChart } from "@/features/chart";

type Properties = Pick<ComponentProps<typeof CandleChart>, "label" | "look" | "view"> & {
  scene: PageScene;
  /** What is said over the chart. */
  children: ReactNode;
};

/** The chart of a scene: what it shows, what is done on it, and what lies under the pointer. */
export function SceneChart({ scene, label, look, view, children }: Properties) {
  const { commands } = scene;
  const [hovered, setHovered] = useState<Hovered | null>(null);
  const jumps = useWindow((state) => state.jumps);
  const mode = useSession((state) => state.mode);
  return (
    <CandleChart
      label={label}
      bars={scene.bars}
      jump={jumps}
      view={view}
      layers={scene.layers}
      shades={scene.shades}
      marks={scene.marks}
      look={look}
      drawing={mode.kind === "draw"}
      onReady={scene.setPort}
      onVisible={scene.look}
      onDraft={commands.draft}
      onDraw={commands.drawn}
      onEdge={commands.dragEdge}
      onClick={commands.click}
      onHover={(hit, x, y) =>
        setHovered((before) => {
          if (!hit?.span) return null;
          const isSame = before?.span.key === hit.span.key && before.span.lane === hit.span.lane;
          return isSame ? before : { span: hit.span, x, y };
        })
      }
    >
      <WindowState />
      {children}
      {hovered && <HoverCard hovered={hovered} scene={scene} />}
    </CandleChart>
  );
}
