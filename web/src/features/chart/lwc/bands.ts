import type { CanvasRenderingTarget2D } from "fancy-canvas";
import type {
  IPrimitivePaneRenderer,
  IPrimitivePaneView,
  ISeriesPrimitive,
  SeriesAttachedParameter,
  Time,
} from "lightweight-charts";
import type { BarSpan } from "@/features/annotations";
import type { Palette } from "@/features/chart/palette";
import type { Lane, LayerSpan, Marks, Shades } from "@/features/chart/port";
import { BAND_SPACING, eachIn, edgesOf, type Indexed, inView, type Scale } from "@/features/chart/scale";

/** What the layers draw from; the chart changes it and asks for a paint. */
export type Scene = {
  layers: Readonly<Record<Lane, Indexed>>;
  shades: Shades;
  marks: Marks;
  palette: Palette;
  scale: () => Scale | null;
};

type Bitmap = {
  readonly context: CanvasRenderingContext2D;
  readonly x: number;
  readonly y: number;
  readonly height: number;
};

type Draw = (bitmap: Bitmap, scene: Scene, scale: Scale) => void;

/** One layer of a pane: however many spans it has, the chart knows one primitive. */
export class Layer implements ISeriesPrimitive<Time> {
  /** Ask for a paint in the next frame. */
  requestUpdate: () => void = () => undefined;
  private readonly views: readonly IPrimitivePaneView[];

  constructor(scene: Scene, draw: Draw, zOrder: "bottom" | "top" = "bottom") {
    const renderer: IPrimitivePaneRenderer = {
      draw(target: CanvasRenderingTarget2D) {
        target.useBitmapCoordinateSpace(({ context, bitmapSize, horizontalPixelRatio, verticalPixelRatio }) => {
          const scale = scene.scale();
          if (scale === null) return;
          context.save();
          draw({ context, x: horizontalPixelRatio, y: verticalPixelRatio, height: bitmapSize.height }, scene, scale);
          context.restore();
        });
      },
    };
    this.views = [{ renderer: () => renderer, zOrder: () => zOrder }];
  }

  attached({ requestUpdate }: SeriesAttachedParameter<Time>): void {
    this.requestUpdate = requestUpdate;
  }

  paneViews(): readonly IPrimitivePaneView[] {
    return this.views;
  }
}

/** The edges of a span on the bitmap, on whole pixels so that lines are sharp. */
function pixels(bitmap: Bitmap, scale: Scale, span: BarSpan): [number, number] {
  const [left, right] = edgesOf(scale, span);
  return [Math.round(left * bitmap.x), Math.round(right * bitmap.x)];
}

function fill(bitmap: Bitmap, left: number, right: number): void {
  bitmap.context.fillRect(left, 0, Math.max(1, right - left), bitmap.height);
}

function line(bitmap: Bitmap, at: number, width = 1): void {
  bitmap.context.fillRect(at, 0, Math.max(1, Math.round(width * bitmap.x)), bitmap.height);
}

function isChosen({ marks }: Scene, lane: Lane, span: LayerSpan): boolean {
  return marks.chosen?.lane === lane && marks.chosen.key === span.key;
}

/** Test bars, reviewed bars, and what lies beside the stretch to look at. */
export const drawShades: Draw = (bitmap, { shades, palette }, scale) => {
  const { context } = bitmap;
  const visible = inView(scale);
  for (const span of shades.test) {
    if (span.last < visible.first || span.first > visible.last) continue;
    const [left, right] = pixels(bitmap, scale, span);
    context.fillStyle = palette.test;
    context.globalAlpha = palette.shade;
    fill(bitmap, left, right);
    context.globalAlpha = 0.7;
    line(bitmap, left);
  }
  context.fillStyle = palette.reviewed;
  const strip = Math.round(3 * bitmap.y);
  for (const span of shades.reviewed) {
    if (span.last < visible.first || span.first > visible.last) continue;
    const [left, right] = pixels(bitmap, scale, span);
    context.globalAlpha = 0.05;
    fill(bitmap, left, right);
    context.globalAlpha = 0.9;
    context.fillRect(left, bitmap.height - strip, Math.max(1, right - left), strip);
  }
  // Dashed: of these bars not everything was looked for.
  const dash = 6 * bitmap.x;
  context.globalAlpha = 0.9;
  for (const span of shades.partly) {
    if (span.last < visible.first || span.first > visible.last) continue;
    const [left, right] = pixels(bitmap, scale, span);
    for (let at = left; at < right; at += 2 * dash) {
      context.fillRect(at, bitmap.height - strip, Math.min(dash, right - at), strip);
    }
  }
  if (shades.focus) {
    const [left, right] = pixels(bitmap, scale, shades.focus);
    context.fillStyle = palette.muted;
    context.globalAlpha = 0.14;
    fill(bitmap, 0, Math.max(0, left));
    fill(bitmap, right, Math.round(scale.width * bitmap.x));
    context.globalAlpha = 1;
    line(bitmap, left);
    line(bitmap, right);
  }
};

/** Filled, with solid edges: what a person says. */
export const drawHuman: Draw = (bitmap, scene, scale) => {
  if (scale.spacing < BAND_SPACING) return;
  const { context } = bitmap;
  context.fillStyle = scene.palette.human;
  eachIn(scene.layers.human, inView(scale), (span) => {
    const [left, right] = pixels(bitmap, scale, span);
    const chosen = isChosen(scene, "human", span);
    context.globalAlpha = chosen ? 0.3 : span.faint ? 0.08 : 0.16;
    fill(bitmap, left, right);
    context.globalAlpha = span.faint ? 0.5 : 1;
    line(bitmap, left, chosen ? 2 : 1);
    line(bitmap, right - Math.round(bitmap.x), chosen ? 2 : 1);
  });
};

/** Brackets at the top and the bottom: what TA-Lib says, quietly, because there is much of it. */
export const drawTalib: Draw = (bitmap, scene, scale) => {
  if (scale.spacing < BAND_SPACING) return;
  const { context } = bitmap;
  const { palette } = scene;
  eachIn(scene.layers.talib, inView(scale), (span) => {
    const [left, right] = pixels(bitmap, scale, span);
    const chosen = isChosen(scene, "talib", span);
    context.fillStyle = palette.talib;
    context.globalAlpha = chosen ? 0.16 : span.faint ? 0.02 : 0.05;
    fill(bitmap, left, right);
    context.globalAlpha = chosen ? 1 : span.faint ? 0.25 : 0.55;
    const tall = Math.round((chosen ? 14 : 8) * bitmap.y);
    const thin = Math.max(1, Math.round(bitmap.x));
    for (const top of [0, bitmap.height - tall]) {
      context.fillRect(left, top, thin, tall);
      context.fillRect(right - thin, top, thin, tall);
    }
    if (chosen) {
      line(bitmap, left);
      line(bitmap, right);
    }
  });
};

/** From this distance of bars on edges are drawn at full strength. */
const CLOSE_SPACING = 10;

/** Hatched, with dashed edges: what the model says, never to be taken for a person's. */
export const drawModel: Draw = (bitmap, scene, scale) => {
  if (scale.spacing < BAND_SPACING) return;
  const { context } = bitmap;
  const { palette } = scene;
  const hatch = hatching(context, palette.model, bitmap.x);
  // From afar edges are all there is of a span; at full strength many of them would hide the candles.
  const fade = Math.max(0.2, Math.min(1, scale.spacing / CLOSE_SPACING));
  context.strokeStyle = palette.model;
  context.lineWidth = Math.max(1, Math.round(bitmap.x));
  eachIn(scene.layers.model, inView(scale), (span) => {
    const [left, right] = pixels(bitmap, scale, span);
    const chosen = isChosen(scene, "model", span);
    // The pattern moves with the band, so that it does not swim while panning.
    hatch.setTransform(new DOMMatrix().translate(left, 0));
    context.fillStyle = hatch;
    context.globalAlpha = chosen ? 0.75 : span.faint ? 0.18 : 0.42;
    fill(bitmap, left, right);
    context.globalAlpha = chosen ? 1 : span.faint ? Math.min(0.45, fade) : fade;
    const dots = span.confidence !== null && span.confidence < 0.6;
    context.setLineDash(dots ? [1.5 * bitmap.x, 3 * bitmap.x] : [5 * bitmap.x, 3 * bitmap.x]);
    context.lineWidth = Math.max(1, Math.round((chosen ? 2 : 1) * bitmap.x));
    context.beginPath();
    // What is provisional has no end yet.
    for (const at of span.open && !chosen ? [left + 0.5] : [left + 0.5, right - 0.5]) {
      context.moveTo(at, 0);
      context.lineTo(at, bitmap.height);
    }
    context.stroke();
  });
};

const tiles = new Map<string, HTMLCanvasElement>();

function hatching(context: CanvasRenderingContext2D, colour: string, ratio: number): CanvasPattern {
  const size = Math.max(4, Math.round(7 * ratio));
  const name = `${colour} ${size}`;
  let tile = tiles.get(name);
  if (!tile) {
    tile = document.createElement("canvas");
    tile.width = tile.height = size;
    const pen = tile.getContext("2d") as CanvasRenderingContext2D;
    pen.strokeStyle = colour;
    pen.lineWidth = Math.max(1, ratio * 0.9);
    pen.beginPath();
    for (const shift of [-size, 0, size]) {
      pen.moveTo(shift, size);
      pen.lineTo(shift + size, 0);
    }
    pen.stroke();
    tiles.set(name, tile);
  }
  return context.createPattern(tile, "repeat") as CanvasPattern;
}

/** A bracket with the kind's sign at the top: where model and annotations disagree. */
export const drawDisputes: Draw = (bitmap, scene, scale) => {
  if (scale.spacing < BAND_SPACING) return;
  const { context } = bitmap;
  context.fillStyle = scene.palette.dispute;
  eachIn(scene.layers.dispute, inView(scale), (span) => {
    const [left, right] = pixels(bitmap, scale, span);
    const chosen = isChosen(scene, "dispute", span);
    context.globalAlpha = chosen ? 1 : 0.85;
    context.fillRect(left, 0, right - left, Math.round((chosen ? 4 : 2) * bitmap.y));
    if (chosen) {
      context.globalAlpha = 0.12;
      fill(bitmap, left, right);
    }
  });
};

/** What the shade of the test bars means, readable over whatever lies there. */
function drawTestNote({ context, x, y }: Bitmap, { shades, palette }: Scene, scale: Scale): void {
  const text = "test bars: marks here measure, they do not teach";
  context.font = `${Math.round(11 * y)}px ${palette.font}`;
  context.textBaseline = "top";
  context.lineWidth = 4 * x;
  context.lineJoin = "round";
  for (const span of shades.test) {
    const [left, right] = edgesOf(scale, span);
    const at = (Math.max(left, 0) + 8) * x;
    if (Math.min(right, scale.width) * x - at < context.measureText(text).width) continue;
    context.strokeStyle = palette.bg;
    context.strokeText(text, at, 8 * y);
    context.fillStyle = palette.muted;
    context.fillText(text, at, 8 * y);
  }
}

/** The bar cursor, the bars that are chosen for a label, and the edge that the arrows move. */
export const drawMarks: Draw = (bitmap, scene, scale) => {
  const { context } = bitmap;
  const { marks, palette } = scene;
  drawTestNote(bitmap, scene, scale);
  if (marks.selection) {
    const [left, right] = pixels(bitmap, scale, marks.selection);
    context.fillStyle = palette.focus;
    context.globalAlpha = 0.14;
    fill(bitmap, left, right);
    context.globalAlpha = 1;
    line(bitmap, left, 1.5);
    line(bitmap, right - Math.round(bitmap.x), 1.5);
  }
  if (marks.cursor !== null) {
    const [left, right] = pixels(bitmap, scale, { first: marks.cursor, last: marks.cursor });
    context.globalAlpha = 0.9;
    context.fillStyle = palette.focus;
    const middle = (left + right) / 2;
    const size = 5 * bitmap.x;
    for (const [y, way] of [
      [0, 1],
      [bitmap.height, -1],
    ] as const) {
      context.beginPath();
      context.moveTo(middle - size, y);
      context.lineTo(middle + size, y);
      context.lineTo(middle, y + way * size * 1.4);
      context.fill();
    }
    context.globalAlpha = 0.35;
    context.fillRect(Math.round(middle - bitmap.x / 2), 0, Math.max(1, Math.round(bitmap.x)), bitmap.height);
  }
  drawHandles(bitmap, scene, scale);
};

function drawHandles(bitmap: Bitmap, scene: Scene, scale: Scale): void {
  const { marks, layers, palette } = scene;
  if (marks.chosen === null || marks.chosen.lane === "dispute") return;
  const span = layers[marks.chosen.lane].spans.find((one) => one.key === marks.chosen?.key);
  if (!span) return;
  const [left, right] = pixels(bitmap, scale, span);
  const width = Math.round(6 * bitmap.x);
  const height = Math.round(28 * bitmap.y);
  const top = Math.round(bitmap.height / 2 - height / 2);
  for (const [edge, at] of [
    ["start", left],
    ["end", right],
  ] as const) {
    if (marks.chosen.lane !== "human" && marks.edge === null) return;
    bitmap.context.globalAlpha = 1;
    bitmap.context.fillStyle = marks.edge === edge ? palette.focus : palette.bg;
    bitmap.context.strokeStyle = marks.edge === edge ? palette.focus : palette.human;
    bitmap.context.lineWidth = Math.max(1, Math.round(1.5 * bitmap.x));
    bitmap.context.beginPath();
    bitmap.context.roundRect(at - width / 2, top, width, height, width / 2);
    bitmap.context.fill();
    bitmap.context.stroke();
  }
}
