"use client";

import { type ReactNode, useEffect, useEffectEvent, useRef, useState } from "react";

import type { BarSpan } from "@/features/annotations";
import { type Bars, barAt, firstFrom } from "@/features/candles";
import { LANES_HEIGHT } from "@/features/chart/lanes";
import { type PointerEvents, watchPointer } from "@/features/chart/pointer";
import type { ChartPort, Layers, Look, Marks, Shades } from "@/features/chart/port";
import { onThemeChange } from "@/lib/theme";

export type CandleChartProps = Omit<PointerEvents, "drawing"> & {
  bars: Bars;
  /** Changes when the window jumped to another place; the chart then shows `view`, or its end. */
  jump: number;
  view: BarSpan | null;
  layers: Layers;
  shades: Shades;
  marks: Marks;
  look: Look;
  drawing: boolean;
  /** What a screen reader calls the chart. */
  label: string;
  onReady: (port: ChartPort | null) => void;
  onVisible: (visible: BarSpan) => void;
  children?: ReactNode;
};

/** Candles with layers of spans and lanes under them; the library behind it is loaded when it is first shown. */
export function CandleChart(props: CandleChartProps) {
  const { bars, jump, view, layers, shades, marks, look, drawing, label, children } = props;
  const frame = useRef<HTMLDivElement>(null);
  const host = useRef<HTMLDivElement>(null);
  const lanes = useRef<HTMLCanvasElement>(null);
  const [port, setPort] = useState<ChartPort | null>(null);
  const shown = useRef<{ bars: Bars; jump: number } | null>(null);

  const isDrawing = useEffectEvent(() => drawing);
  const onReady = useEffectEvent(props.onReady);
  const onVisible = useEffectEvent(props.onVisible);
  const onDraft = useEffectEvent(props.onDraft);
  const onDraw = useEffectEvent(props.onDraw);
  const onEdge = useEffectEvent(props.onEdge);
  const onClick = useEffectEvent(props.onClick);
  const onHover = useEffectEvent(props.onHover);

  useEffect(() => {
    let made: ChartPort | null = null;
    let gone = false;
    const stops: (() => void)[] = [];
    void import("@/features/chart/lwc/create").then(({ createLwcChart }) => {
      if (gone || !frame.current || !host.current || !lanes.current) return;
      made = createLwcChart(host.current, lanes.current);
      stops.push(onThemeChange(made.refreshTheme));
      stops.push(made.onVisible((visible) => onVisible(visible)));
      stops.push(
        watchPointer(frame.current, made, {
          drawing: () => isDrawing(),
          onDraft: (span) => onDraft(span),
          onDraw: (span) => onDraw(span),
          onEdge: (edge, bar, done) => onEdge(edge, bar, done),
          onClick: (hit) => onClick(hit),
          onHover: (hit, x, y) => onHover(hit, x, y),
        }),
      );
      setPort(made);
      onReady(made);
    });
    return () => {
      gone = true;
      for (const stop of stops) stop();
      made?.destroy();
      shown.current = null;
      setPort(null);
      onReady(null);
    };
  }, []);

  useEffect(() => {
    if (!port || bars.time.length === 0) return;
    const before = shown.current;
    shown.current = { bars, jump };
    if (before?.jump === jump) {
      if (before.bars !== bars) port.setBars(bars, shiftOf(before.bars, bars));
      return;
    }
    port.setBars(bars, null);
    if (view) port.show(view);
  }, [port, bars, jump, view]);

  useEffect(() => port?.setLook(look), [port, look]);
  useEffect(() => port?.setShades(shades), [port, shades]);
  useEffect(() => port?.setLayers(layers), [port, layers]);
  useEffect(() => port?.setMarks(marks), [port, marks]);

  return (
    <div
      ref={frame}
      role="application"
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: keys act on the chart while it has the focus
      tabIndex={0}
      data-testid="chart"
      data-ready={port !== null && bars.time.length > 0}
      data-bars={bars.time.length}
      // Candles and lanes would cover an outline: the ring lies over them.
      className="relative flex min-h-0 flex-1 touch-none select-none flex-col outline-none after:pointer-events-none after:absolute after:inset-0 after:z-10 focus-visible:after:border-2 focus-visible:after:border-focus"
    >
      <div ref={host} className="min-h-0 flex-1" />
      <canvas
        ref={lanes}
        data-lanes=""
        style={{ height: LANES_HEIGHT }}
        className="w-full shrink-0 border-line border-t bg-bg"
      />
      {children}
    </div>
  );
}

/** How many bars came before those shown so far; below 0 when some of them are gone. */
function shiftOf(before: Bars, after: Bars): number {
  const first = before.time[0] as number;
  const at = barAt(after, first);
  return at >= 0 ? at : -firstFrom(before, after.time[0] as number);
}
