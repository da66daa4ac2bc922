import type { BarSpan, Edge } from "@/features/annotations";
import type { Bars } from "@/features/candles";

/** A span of one layer, in bars of the window that is loaded. */
export type LayerSpan = BarSpan & {
  readonly key: string;
  /** Three letters, for where space is short. */
  readonly code: string;
  readonly name: string;
  /** 0 to 1; shown as a bar in the chip, with dots below 0.6. Null for what people and TA-Lib say. */
  readonly confidence: number | null;
  /** Drawn faint: stale, decided already, or something else that needs no attention. */
  readonly faint: boolean;
  /** Drawn as not final: provisional, or not saved yet. */
  readonly open: boolean;
  /** A sign before the code: what a person should look at. */
  readonly sign: string;
};

export const LANES = ["human", "talib", "model", "dispute"] as const;
export type Lane = (typeof LANES)[number];

/** Each layer by ascending first bar. */
export type Layers = Readonly<Record<Lane, readonly LayerSpan[]>>;

export const NO_LAYERS: Layers = { human: [], talib: [], model: [], dispute: [] };

/** Stretches shaded behind everything. */
export type Shades = {
  readonly test: readonly BarSpan[];
  readonly reviewed: readonly BarSpan[];
  /** Reviewed, but not for all labels. */
  readonly partly: readonly BarSpan[];
  /** A stretch to look at: all beside it is dimmed. */
  readonly focus: BarSpan | null;
};

export const NO_SHADES: Shades = { test: [], reviewed: [], partly: [], focus: null };

/** What is being pointed at, chosen or drawn. */
export type Marks = {
  readonly cursor: number | null;
  /** Bars that a label would be put on. */
  readonly selection: BarSpan | null;
  readonly chosen: { readonly lane: Lane; readonly key: string } | null;
  /** The edge of the chosen span that the arrows move. */
  readonly edge: Edge | null;
};

export const NO_MARKS: Marks = { cursor: null, selection: null, chosen: null, edge: null };

export type Hit = {
  readonly bar: number;
  /** The span there, the shortest where several lie. */
  readonly span: { readonly lane: Lane; readonly key: string } | null;
  /** All spans there, so that further clicks can go through them. */
  readonly all: readonly { readonly lane: Lane; readonly key: string }[];
  /** The edge of the chosen span within reach. */
  readonly edge: Edge | null;
};

export type Look = { readonly candles: "plain" | "classic"; readonly volume: boolean };

/**
 * A chart of candles with layers of spans: all that the rest of the app knows of it.
 *
 * Bars are counted in the window given last; x and y are pixels from the chart's upper left corner.
 */
export interface ChartPort {
  /** Show other bars. `shift` says how many came before those shown so far; null begins a new view at the right end. */
  setBars(bars: Bars, shift: number | null): void;
  setLayers(layers: Layers): void;
  setShades(shades: Shades): void;
  setMarks(marks: Marks): void;
  setLook(look: Look): void;
  /** Read the colours of the page anew. */
  refreshTheme(): void;

  /** Bars in view; null while there are none. May reach beyond the window on both sides. */
  visible(): BarSpan | null;
  show(span: BarSpan): void;
  /** Move as little as needed for these bars to be in view. */
  reveal(span: BarSpan): void;
  /** Above 1 comes closer. */
  zoom(factor: number): void;
  fit(): void;
  scroll(bars: number): void;

  barAt(x: number): number;
  /** What lies there; `reach` is how far from an edge of the chosen span a pointer still takes hold of it. */
  hit(x: number, y: number, reach?: number): Hit | null;
  /** The middle of a bar. */
  xOf(bar: number): number;

  onVisible(listener: (visible: BarSpan) => void): () => void;
  /** Called after each paint with the marks that were painted. */
  onPaint(listener: (marks: Marks) => void): () => void;
  destroy(): void;
}
