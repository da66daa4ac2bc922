import type { Palette } from "@/features/chart/palette";
import { LANES, type Lane, type LayerSpan, type Marks } from "@/features/chart/port";
import { BAND_SPACING, eachIn, edgesOf, type Indexed, inView, type Scale } from "@/features/chart/scale";

export const LANE_HEIGHT = 24;
const CHIP_HEIGHT = 18;
const LEAST_CHIP = 16;
/** The least that is drawn of a chip between near neighbours. */
const MARK = 4;
const PADDING = 5;
const DOTTED_BELOW = 0.6;

export const LANE_NAMES: Record<Lane, string> = { human: "you", talib: "TA-Lib", model: "model", dispute: "Δ" };

export const LANES_HEIGHT = LANES.length * LANE_HEIGHT + 4;

type Context = CanvasRenderingContext2D;

/** A chip as it was drawn, for finding what the pointer is on. */
export type Chip = { readonly lane: Lane; readonly key: string; readonly left: number; readonly right: number };

/**
 * Draw the strip under the candles: a lane for each layer, chips where there is room, ticks where there is not.
 *
 * The context is scaled to pixels of the page. Returns the chips, those on top last.
 */
export function drawLanes(
  context: Context,
  layers: Readonly<Record<Lane, Indexed>>,
  marks: Marks,
  scale: Scale,
  height: number,
  gutter: number,
  palette: Palette,
): Chip[] {
  const chips: Chip[] = [];
  context.clearRect(0, 0, scale.width + gutter, height);
  LANES.forEach((lane, row) => {
    const top = 2 + row * LANE_HEIGHT;
    context.fillStyle = palette.line;
    context.globalAlpha = 0.5;
    context.fillRect(0, top + LANE_HEIGHT - 0.5, scale.width + gutter, 0.5);
    context.globalAlpha = 1;
    drawName(context, lane, top, scale.width, palette);
    context.save();
    context.beginPath();
    context.rect(0, top, scale.width, LANE_HEIGHT);
    context.clip();
    if (scale.spacing < BAND_SPACING) drawTicks(context, layers[lane], lane, marks, scale, top, palette);
    else chips.push(...drawChips(context, layers[lane], lane, marks, scale, top, palette));
    context.restore();
  });
  return chips;
}

function drawName(context: Context, lane: Lane, top: number, left: number, palette: Palette): void {
  context.font = `600 11px ${palette.font}`;
  context.textBaseline = "middle";
  context.fillStyle = colourOf(lane, palette);
  context.fillText(LANE_NAMES[lane], left + 8, top + LANE_HEIGHT / 2);
}

export function colourOf(lane: Lane, palette: Palette): string {
  return { human: palette.human, talib: palette.talib, model: palette.model, dispute: palette.dispute }[lane];
}

function drawTicks(
  context: Context,
  layer: Indexed,
  lane: Lane,
  marks: Marks,
  scale: Scale,
  top: number,
  palette: Palette,
): void {
  let drawn = Number.NEGATIVE_INFINITY;
  context.fillStyle = colourOf(lane, palette);
  eachIn(layer, inView(scale), (span) => {
    const [left, right] = edgesOf(scale, span);
    const chosen = marks.chosen?.key === span.key && marks.chosen.lane === lane;
    if (chosen) {
      context.fillRect(left - 2, top + 2, Math.max(5, right - left + 4), LANE_HEIGHT - 4);
      return;
    }
    // Many spans share a pixel from afar: one tick says as much.
    if (left < drawn + 1) return;
    drawn = left;
    context.globalAlpha = span.faint ? 0.35 : 0.8;
    context.fillRect(left, top + 6, Math.max(1, right - left - 0.5), LANE_HEIGHT - 12);
  });
  context.globalAlpha = 1;
}

function drawChips(
  context: Context,
  layer: Indexed,
  lane: Lane,
  marks: Marks,
  scale: Scale,
  top: number,
  palette: Palette,
): Chip[] {
  const visible: LayerSpan[] = [];
  eachIn(layer, inView(scale), (span) => visible.push(span));
  const chips: Chip[] = [];
  let chosen: (() => void) | null = null;
  visible.forEach((span, position) => {
    const [left, right] = edgesOf(scale, span);
    const next = visible[position + 1];
    const room = (next ? edgesOf(scale, next)[0] - 2 : scale.width) - left;
    const isChosen = marks.chosen?.lane === lane && marks.chosen.key === span.key;
    const label = fitting(context, span, lane, Math.max(right - left - 1, isChosen ? 400 : room), palette);
    const most = isChosen ? 400 : Math.max(room, MARK);
    const width = Math.min(most, Math.max(LEAST_CHIP, Math.min(right - left - 1, most), label.width));
    const drawn = { lane, key: span.key, left: left + 0.5, right: left + 0.5 + width };
    const draw = () => drawChip(context, span, lane, isChosen, drawn, top + 3, label.text, right, palette);
    // What is drawn narrow between neighbours is hit as easily as all others.
    chips.push({ ...drawn, right: Math.max(drawn.right, drawn.left + LEAST_CHIP) });
    if (isChosen) chosen = draw;
    else draw();
  });
  // Over its neighbours, whole.
  (chosen as (() => void) | null)?.();
  return chips;
}

function fitting(
  context: Context,
  span: LayerSpan,
  lane: Lane,
  room: number,
  palette: Palette,
): { text: string; width: number } {
  context.font = `600 11px ${palette.font}`;
  const percent = span.confidence === null ? "" : ` ${Math.round(span.confidence * 100)}`;
  const options =
    lane === "dispute"
      ? [span.sign]
      : [`${span.sign}${span.name}${percent}`, `${span.sign}${span.code}${percent}`, span.code];
  for (const text of options) {
    const width = context.measureText(text).width + 2 * PADDING;
    if (width <= room) return { text, width };
  }
  return { text: "", width: 0 };
}

function drawChip(
  context: Context,
  span: LayerSpan,
  lane: Lane,
  chosen: boolean,
  { left, right }: Chip,
  top: number,
  text: string,
  spanRight: number,
  palette: Palette,
): void {
  const width = right - left;
  const colour = colourOf(lane, palette);
  context.globalAlpha = span.faint && !chosen ? 0.45 : 1;
  if (lane === "dispute") {
    drawDiamond(context, span, chosen, left, spanRight, top, palette);
    context.globalAlpha = 1;
    return;
  }
  const solid = lane === "human";
  context.fillStyle = solid ? colour : palette.bg;
  box(context, left, top, width, CHIP_HEIGHT);
  context.fill();
  if (span.confidence !== null) {
    // How sure the model is, as the length of a bar along the lower edge.
    context.fillStyle = colour;
    context.fillRect(left + 2, top + CHIP_HEIGHT - 4, Math.max(0, (width - 4) * span.confidence), 2);
  }
  const dots = span.confidence !== null && span.confidence < DOTTED_BELOW;
  context.setLineDash(solid ? (span.open ? [3, 2] : []) : dots ? [1.5, 2] : span.open ? [5, 2] : []);
  context.strokeStyle = solid && span.open ? palette.bg : colour;
  context.lineWidth = 1.25;
  box(context, left + 0.5, top + 0.5, width - 1, CHIP_HEIGHT - 1);
  context.stroke();
  context.setLineDash([]);
  if (text) {
    context.font = `600 11px ${palette.font}`;
    context.textBaseline = "middle";
    context.fillStyle = solid ? palette.humanInk : lane === "talib" ? palette.ink : colour;
    context.fillText(text, left + PADDING, top + CHIP_HEIGHT / 2 - (span.confidence === null ? 0 : 1), width - PADDING);
  }
  if (chosen) ring(context, left, top, width, CHIP_HEIGHT, palette);
  context.globalAlpha = 1;
}

function drawDiamond(
  context: Context,
  span: LayerSpan,
  chosen: boolean,
  left: number,
  right: number,
  top: number,
  palette: Palette,
): void {
  const middle = (left + right) / 2;
  const centre = top + CHIP_HEIGHT / 2;
  context.fillStyle = palette.dispute;
  context.fillRect(left, centre - 0.75, right - left, 1.5);
  context.beginPath();
  context.moveTo(middle - 9, centre);
  context.lineTo(middle, centre - 9);
  context.lineTo(middle + 9, centre);
  context.lineTo(middle, centre + 9);
  context.fill();
  context.fillStyle = palette.disputeInk;
  context.font = `700 11px ${palette.font}`;
  context.textBaseline = "middle";
  context.textAlign = "center";
  context.fillText(span.sign, middle, centre);
  context.textAlign = "start";
  if (chosen) ring(context, middle - 10, top - 1, 20, 20, palette);
}

function ring(context: Context, left: number, top: number, width: number, height: number, palette: Palette): void {
  context.strokeStyle = palette.focus;
  context.lineWidth = 2;
  box(context, left - 2, top - 2, width + 4, height + 4);
  context.stroke();
}

function box(context: Context, left: number, top: number, width: number, height: number): void {
  context.beginPath();
  context.roundRect(left, top, width, height, 3);
}
