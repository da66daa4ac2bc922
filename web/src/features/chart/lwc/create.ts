import {
  type CandlestickData,
  CandlestickSeries,
  ColorType,
  CrosshairMode,
  createChart,
  type HistogramData,
  HistogramSeries,
  type IRange,
  type Logical,
  type UTCTimestamp,
} from "lightweight-charts";

import { type BarSpan, type Edge, lengthOf } from "@/features/annotations";
import { type Bars, NO_BARS } from "@/features/candles";
import { type Chip, drawLanes, LANE_HEIGHT, LANES_HEIGHT } from "@/features/chart/lanes";
import {
  drawDisputes,
  drawHuman,
  drawMarks,
  drawModel,
  drawShades,
  drawTalib,
  Layer,
  type Scene,
} from "@/features/chart/lwc/bands";
import { readPalette } from "@/features/chart/palette";
import {
  type ChartPort,
  type Hit,
  LANES,
  type Look,
  type Marks,
  NO_LAYERS,
  NO_MARKS,
  NO_SHADES,
} from "@/features/chart/port";
import { decimalsOf } from "@/features/chart/precision";
import { barUnder, eachIn, edgesOf, indexed, middleOf, type Scale } from "@/features/chart/scale";

/** Bars of the first view, where there is room; never so many that a candle is a line. */
const FIRST_VIEW = 120;
const LEAST_SPACING = 6;
const REACH = 8;

/** A chart by lightweight-charts inside `host`; the lanes go on the canvas given. */
export function createLwcChart(host: HTMLElement, lanes: HTMLCanvasElement): ChartPort {
  let bars: Bars = NO_BARS;
  let look: Look = { candles: "plain", volume: true };
  let chips: Chip[] = [];
  const paints = new Set<(marks: Marks) => void>();
  const scene: Scene = {
    layers: mapLayers(NO_LAYERS),
    shades: NO_SHADES,
    marks: NO_MARKS,
    palette: readPalette(),
    scale,
  };

  const chart = createChart(host, {
    autoSize: true,
    layout: { attributionLogo: true },
    crosshair: { mode: CrosshairMode.Normal },
    rightPriceScale: { minimumWidth: 68 },
    timeScale: { rightOffset: 6, minBarSpacing: 0.005, enableConflation: true },
    handleScale: { axisDoubleClickReset: true },
  });
  const volume = chart.addSeries(HistogramSeries, {
    priceScaleId: "volume",
    priceFormat: { type: "volume" },
    lastValueVisible: false,
    priceLineVisible: false,
  });
  volume.priceScale().applyOptions({ scaleMargins: { top: 0.86, bottom: 0 } });
  const candles = chart.addSeries(CandlestickSeries, { priceLineVisible: false });
  candles.priceScale().applyOptions({ scaleMargins: { top: 0.08, bottom: 0.18 } });

  // The last one drawn: everything on the screen is of the same moment.
  const lanesLayer = new Layer(scene, paintLanes, "top");
  for (const layer of [
    new Layer(scene, drawShades),
    new Layer(scene, drawTalib),
    new Layer(scene, drawHuman),
    new Layer(scene, drawModel),
    new Layer(scene, drawDisputes, "top"),
    new Layer(scene, drawMarks, "top"),
    lanesLayer,
  ]) {
    candles.attachPrimitive(layer);
  }
  applyTheme();

  function scale(): Scale | null {
    const time = chart.timeScale();
    const origin = time.logicalToCoordinate(0 as Logical);
    const next = time.logicalToCoordinate(1 as Logical);
    if (bars.time.length === 0 || origin === null || next === null) return null;
    return { origin, spacing: next - origin, width: time.width() };
  }

  // What is to be shown is what the chart says only from its next frame on; until then it would name what was there before.
  let pending: IRange<number> | null = null;

  function shown(): IRange<number> | null {
    return pending ?? chart.timeScale().getVisibleLogicalRange();
  }

  function showRange(next: IRange<number>): void {
    pending = next;
    chart.timeScale().setVisibleLogicalRange(next);
  }

  function paintLanes(): void {
    pending = null;
    const found = scale();
    const context = lanes.getContext("2d");
    if (found === null || context === null) return;
    const ratio = devicePixelRatio;
    const width = host.clientWidth;
    if (lanes.width !== Math.round(width * ratio) || lanes.height !== Math.round(LANES_HEIGHT * ratio)) {
      lanes.width = Math.round(width * ratio);
      lanes.height = Math.round(LANES_HEIGHT * ratio);
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    chips = drawLanes(context, scene.layers, scene.marks, found, LANES_HEIGHT, width - found.width, scene.palette);
    lanes.dataset.painted = scene.marks.chosen?.key ?? "";
    for (const listener of paints) listener(scene.marks);
  }

  function repaint(): void {
    lanesLayer.requestUpdate();
  }

  function applyTheme(): void {
    const palette = readPalette();
    scene.palette = palette;
    chart.applyOptions({
      layout: {
        background: { type: ColorType.Solid, color: palette.bg },
        textColor: palette.muted,
        fontFamily: palette.font,
        fontSize: 11,
      },
      grid: { vertLines: { visible: false }, horzLines: { color: palette.grid } },
      rightPriceScale: { borderColor: palette.line },
      timeScale: { borderColor: palette.line },
      crosshair: {
        vertLine: { color: palette.muted, labelBackgroundColor: palette.muted },
        horzLine: { color: palette.muted, labelBackgroundColor: palette.muted },
      },
    });
    applyLook();
  }

  function applyLook(): void {
    const { palette } = scene;
    const plain = look.candles === "plain";
    const [up, down] = plain ? [palette.candle, palette.candle] : [palette.rising, palette.falling];
    candles.applyOptions({
      // Hollow when it rises, filled when it falls: readable without any hue.
      upColor: plain ? palette.bg : up,
      downColor: down,
      borderUpColor: up,
      borderDownColor: down,
      wickUpColor: up,
      wickDownColor: down,
      lastValueVisible: false,
    });
    volume.applyOptions({ color: `${palette.candle}4d`, visible: look.volume });
  }

  function setBars(next: Bars, shift: number | null): void {
    const before = shown();
    bars = next;
    // Between the two calls the series would have bars of different numbers, and whatever is drawn or asked under the
    // pointer meanwhile would find none: the second one is emptied first and the crosshair let go of.
    chart.clearCrosshairPosition();
    volume.setData([]);
    candles.setData(candleData(next));
    volume.setData(volumeData(next));
    const precision = decimalsOf(next.close);
    candles.applyOptions({ priceFormat: { type: "price", precision, minMove: 10 ** -precision } });
    const seconds = (next.time[1] ?? 0) - (next.time[0] ?? 0);
    chart.applyOptions({ timeScale: { timeVisible: seconds < 86_400_000 } });
    if (shift !== null && before !== null) {
      showRange({ from: before.from + shift, to: before.to + shift });
    } else {
      const last = next.time.length - 1;
      const count = Math.min(FIRST_VIEW, Math.max(20, Math.floor(chart.timeScale().width() / LEAST_SPACING)));
      showRange({ from: last - count, to: last + 6 });
    }
  }

  function visible(): BarSpan | null {
    const range = shown();
    return range && { first: Math.ceil(range.from), last: Math.floor(range.to) };
  }

  function show({ first, last }: BarSpan): void {
    showRange({ from: first, to: last });
  }

  function reveal(span: BarSpan): void {
    const range = shown();
    if (!range) return;
    const width = range.to - range.from;
    const margin = Math.min(12, width / 6);
    if (span.first >= range.from + margin && span.last <= range.to - margin) return;
    if (lengthOf(span) > width - 2 * margin) {
      show({ first: span.first - margin, last: span.last + margin });
      return;
    }
    const middle = (span.first + span.last) / 2;
    showRange({ from: middle - width / 2, to: middle + width / 2 });
  }

  function zoom(factor: number): void {
    const range = shown();
    if (!range) return;
    const { cursor } = scene.marks;
    const held = cursor !== null && cursor >= range.from && cursor <= range.to ? cursor : (range.from + range.to) / 2;
    showRange({
      from: held - (held - range.from) / factor,
      to: held + (range.to - held) / factor,
    });
  }

  function scroll(by: number): void {
    const range = shown();
    if (range) showRange({ from: range.from + by, to: range.to + by });
  }

  function barAt(x: number): number {
    const found = scale();
    if (found === null) return 0;
    return Math.max(0, Math.min(bars.time.length - 1, barUnder(found, x)));
  }

  function hit(x: number, y: number, reach = REACH): Hit | null {
    const found = scale();
    if (found === null || x > found.width) return null;
    const bar = barAt(x);
    const lanesTop = host.clientHeight;
    if (y >= lanesTop) return hitLane(x, y - lanesTop, bar, found, reach);
    const all: { lane: (typeof LANES)[number]; key: string; length: number }[] = [];
    for (const lane of ["human", "model", "talib"] as const) {
      eachIn(scene.layers[lane], { first: bar, last: bar }, (span) =>
        all.push({ lane, key: span.key, length: lengthOf(span) }),
      );
    }
    all.sort((a, b) => a.length - b.length);
    return { bar, span: all[0] ?? null, all, edge: edgeNear(x, found, reach) };
  }

  function hitLane(x: number, y: number, bar: number, found: Scale, reach: number): Hit {
    const lane = LANES[Math.floor((y - 2) / LANE_HEIGHT)];
    const all = chips.filter((chip) => chip.lane === lane && x >= chip.left - 2 && x <= chip.right + 2).reverse();
    return {
      bar,
      span: all[0] ?? null,
      all,
      edge: lane === scene.marks.chosen?.lane ? edgeNear(x, found, reach) : null,
    };
  }

  function edgeNear(x: number, found: Scale, reach: number): Edge | null {
    const { chosen } = scene.marks;
    if (chosen === null || chosen.lane === "dispute") return null;
    const span = scene.layers[chosen.lane].spans.find((one) => one.key === chosen.key);
    if (!span) return null;
    const [left, right] = edgesOf(found, span);
    const [toLeft, toRight] = [Math.abs(x - left), Math.abs(x - right)];
    // Outside there is room; inside the middle of a short span belongs to the span.
    const isInside = x > left && x < right;
    if (Math.min(toLeft, toRight) > (isInside ? Math.min(reach, Math.max(4, (right - left) / 3)) : reach)) return null;
    return toLeft < toRight ? "start" : "end";
  }

  return {
    setBars,
    setLayers(layers) {
      scene.layers = mapLayers(layers);
      repaint();
    },
    setShades(shades) {
      scene.shades = shades;
      repaint();
    },
    setMarks(marks) {
      scene.marks = marks;
      repaint();
    },
    setLook(next) {
      look = next;
      applyLook();
    },
    refreshTheme: applyTheme,
    visible,
    show,
    reveal,
    zoom,
    fit: () => show({ first: -2, last: bars.time.length + 2 }),
    scroll,
    barAt,
    hit,
    xOf(bar) {
      const found = scale();
      return found === null ? 0 : middleOf(found, bar);
    },
    onVisible(listener) {
      const call = () => {
        const span = visible();
        if (span) listener(span);
      };
      chart.timeScale().subscribeVisibleLogicalRangeChange(call);
      return () => chart.timeScale().unsubscribeVisibleLogicalRangeChange(call);
    },
    onPaint(listener) {
      paints.add(listener);
      return () => paints.delete(listener);
    },
    destroy() {
      paints.clear();
      chart.remove();
    },
  };
}

function mapLayers(layers: typeof NO_LAYERS): Scene["layers"] {
  const { human, talib, model, dispute } = layers;
  return { human: indexed(human), talib: indexed(talib), model: indexed(model), dispute: indexed(dispute) };
}

function candleData(bars: Bars): CandlestickData<UTCTimestamp>[] {
  return Array.from(bars.time, (time, i) => ({
    time: (time / 1000) as UTCTimestamp,
    open: bars.open[i] as number,
    high: bars.high[i] as number,
    low: bars.low[i] as number,
    close: bars.close[i] as number,
  }));
}

function volumeData(bars: Bars): HistogramData<UTCTimestamp>[] {
  const { volume } = bars;
  if (volume === null) return [];
  return Array.from(bars.time, (time, i) => ({ time: (time / 1000) as UTCTimestamp, value: volume[i] as number }));
}
