import { type BarSpan, between, type Edge } from "@/features/annotations";
import type { ChartPort, Hit } from "@/features/chart/port";

export type PointerEvents = {
  /** Whether a plain drag draws instead of moving the chart. */
  drawing: () => boolean;
  /** The bars under the pen, while drawing; null when it was given up. */
  onDraft: (span: BarSpan | null) => void;
  onDraw: (span: BarSpan) => void;
  /** An edge of the chosen span is dragged to a bar; `done` with the last one. */
  onEdge: (edge: Edge, bar: number, done: boolean) => void;
  onClick: (hit: Hit) => void;
  onHover: (hit: Hit | null, x: number, y: number) => void;
};

const STILL = 4;
/** How far from an edge a finger takes hold of it, in pixels. */
const FINGER = 16;

/**
 * Turn the pointer over a chart into what it means.
 *
 * A drag that draws or moves an edge is taken from the chart before it sees it (capture and preventDefault), so the chart
 * stands still meanwhile; every other drag is the chart's own. Everything that can be dragged can be clicked: in draw mode
 * one click begins a span and the next one ends it.
 */
export function watchPointer(host: HTMLElement, port: ChartPort, events: PointerEvents): () => void {
  let draft: { anchor: number; x: number; dragged: boolean } | null = null;
  let edge: Edge | null = null;
  let pressed: { x: number; y: number } | null = null;

  const place = (event: PointerEvent | WheelEvent) => {
    const box = host.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const take = (event: PointerEvent) => {
    event.preventDefault();
    event.stopPropagation();
  };

  function down(event: PointerEvent): void {
    if (event.button !== 0 || !event.isPrimary) return;
    const { x, y } = place(event);
    const hit = event.pointerType === "touch" ? port.hit(x, y, FINGER) : port.hit(x, y);
    if (hit === null) return;
    host.focus({ preventScroll: true });
    if (draft !== null) {
      take(event);
      finish(hit.bar);
      return;
    }
    if (hit.edge !== null && !events.drawing()) {
      take(event);
      host.setPointerCapture(event.pointerId);
      edge = hit.edge;
      return;
    }
    if (events.drawing() || event.shiftKey) {
      take(event);
      host.setPointerCapture(event.pointerId);
      draft = { anchor: hit.bar, x, dragged: false };
      events.onDraft(between(hit.bar, hit.bar));
      return;
    }
    pressed = { x, y };
  }

  function move(event: PointerEvent): void {
    const { x, y } = place(event);
    if (draft !== null) {
      take(event);
      draft.dragged ||= event.buttons !== 0 && Math.abs(x - draft.x) > STILL;
      events.onDraft(between(draft.anchor, port.barAt(x)));
      return;
    }
    if (edge !== null) {
      take(event);
      events.onEdge(edge, port.barAt(x), false);
      return;
    }
    if (event.buttons !== 0) return;
    const hit = port.hit(x, y);
    host.style.cursor = hit?.edge ? "ew-resize" : events.drawing() ? "crosshair" : hit?.span ? "pointer" : "";
    events.onHover(hit, x, y);
  }

  function up(event: PointerEvent): void {
    const { x, y } = place(event);
    if (draft !== null) {
      take(event);
      // Without a drag this was the first of two clicks.
      if (draft.dragged) finish(port.barAt(x));
      return;
    }
    if (edge !== null) {
      take(event);
      events.onEdge(edge, port.barAt(x), true);
      edge = null;
      return;
    }
    if (pressed !== null && Math.hypot(x - pressed.x, y - pressed.y) <= STILL) {
      const hit = port.hit(x, y);
      if (hit) events.onClick(hit);
    }
    pressed = null;
  }

  function finish(bar: number): void {
    if (draft === null) return;
    const span = between(draft.anchor, bar);
    draft = null;
    events.onDraw(span);
  }

  function cancel(): void {
    if (draft === null && edge === null) return;
    draft = null;
    edge = null;
    events.onDraft(null);
  }

  const leave = () => events.onHover(null, 0, 0);
  const giveUp = (event: KeyboardEvent) => event.key === "Escape" && cancel();
  const touch = (event: TouchEvent) => {
    if (events.drawing() || edge !== null) event.stopPropagation();
  };
  const wheel = (event: WheelEvent) => {
    // Over the lanes the chart hears nothing of the wheel.
    if (!(event.target instanceof HTMLElement) || event.target.dataset.lanes === undefined) return;
    event.preventDefault();
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) port.scroll(event.deltaX / 10);
    else port.zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15);
  };

  const options = { capture: true };
  host.addEventListener("pointerdown", down, options);
  host.addEventListener("pointermove", move, options);
  host.addEventListener("pointerup", up, options);
  host.addEventListener("pointercancel", cancel);
  host.addEventListener("pointerleave", leave);
  host.addEventListener("keydown", giveUp);
  host.addEventListener("touchstart", touch, options);
  host.addEventListener("wheel", wheel, { passive: false });
  return () => {
    host.removeEventListener("pointerdown", down, options);
    host.removeEventListener("pointermove", move, options);
    host.removeEventListener("pointerup", up, options);
    host.removeEventListener("pointercancel", cancel);
    host.removeEventListener("pointerleave", leave);
    host.removeEventListener("keydown", giveUp);
    host.removeEventListener("touchstart", touch, options);
    host.removeEventListener("wheel", wheel);
  };
}
