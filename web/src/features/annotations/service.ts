import { api, type Schemas, unwrap } from "@/api/client";
import { asProblem, type Problem } from "@/api/errors";
import type { Document, Effect, Saved, SavedRange } from "@/features/annotations/document";
import type { Current, Decision, Op, Place, Range, Target } from "@/features/annotations/types";
import { isoTime, msOf } from "@/lib/times";

/** What became of an op. `away`: the service does not answer, so that it may be sent again later. */
export type Outcome =
  | { readonly kind: "taken"; readonly effect: Effect }
  | { readonly kind: "away"; readonly problem: Problem }
  | { readonly kind: "refused"; readonly code: string; readonly message: string; readonly current: Current | null };

/** What the store needs of the service. */
export interface AnnotationService {
  read(range: Range, signal?: AbortSignal): Promise<{ annotations: Saved[]; reviewed: SavedRange[] }>;
  send(op: Op, document: Document): Promise<Outcome>;
}

const PAGE = 1000;

/** The service, for one series and label set. */
export function annotationService(seriesId: string, labelSet: string): AnnotationService {
  const path = { series_id: seriesId };

  async function read(range: Range, signal?: AbortSignal) {
    const query = { label_set: labelSet, start_time: isoTime(range.start), end_time: isoTime(range.end), limit: PAGE };
    const [annotations, reviewed] = await Promise.all([
      everyPage((cursor) =>
        unwrap(api.GET("/series/{series_id}/annotations", { params: { path, query: { ...query, cursor } }, signal })),
      ),
      everyPage((cursor) =>
        unwrap(api.GET("/series/{series_id}/reviewed", { params: { path, query: { ...query, cursor } }, signal })),
      ),
    ]);
    return { annotations: annotations.map(savedAnnotation), reviewed: reviewed.map(savedRange) };
  }

  async function send(op: Op, document: Document): Promise<Outcome> {
    try {
      return { kind: "taken", effect: await perform(op, document) };
    } catch (error) {
      if (error instanceof Refused) return error.outcome;
      const problem = asProblem(error);
      if (problem.isAway) return { kind: "away", problem };
      const current = (problem.body.current ?? null) as Current | null;
      return alreadySo(op, problem, current, document) ?? refused(problem.code, problem.message, current);
    }
  }

  async function perform(op: Op, document: Document): Promise<Effect> {
    switch (op.op) {
      case "create":
        return {
          annotation: savedAnnotation(
            await unwrap(
              api.POST("/series/{series_id}/annotations", {
                params: { path },
                body: { ...written(op.place), label_set: labelSet },
              }),
            ),
          ),
        };
      case "change":
        return {
          annotation: savedAnnotation(
            await unwrap(
              api.PATCH("/series/{series_id}/annotations/{annotation_id}", {
                params: { path: { ...path, annotation_id: idOf(document, op.key) }, header: ifMatch(op.base) },
                body: written(op.place),
              }),
            ),
          ),
        };
      case "delete":
        await unwrap(
          api.DELETE("/series/{series_id}/annotations/{annotation_id}", {
            params: { path: { ...path, annotation_id: idOf(document, op.key) }, header: ifMatch(op.base) },
          }),
        );
        return {};
      case "review":
        return {
          range: savedRange(
            await unwrap(
              api.POST("/series/{series_id}/reviewed", {
                params: { path },
                body: { ...writtenRange(op.range), label_set: labelSet },
              }),
            ),
          ),
        };
      case "unreview":
        await unwrap(
          api.DELETE("/series/{series_id}/reviewed/{range_id}", {
            params: { path: { ...path, range_id: idOf(document, op.key) } },
          }),
        );
        return {};
      case "decide":
        return decide(op.decision);
      case "take-back":
        return takeBack(op);
    }
  }

  async function decide(decision: Decision): Promise<Effect> {
    const { verb, target, correction } = decision;
    const result = await event({
      event_id: decision.eventId,
      verb,
      series_id: seriesId,
      target: writtenTarget(target),
      correction: correction && written(correction),
      reason: decision.reason,
      note: decision.note,
      review_item: decision.reviewItem,
      blind: decision.blind || null,
      seconds: decision.seconds,
    });
    const place = verb === "confirm" ? target : correction;
    if (!result.annotation_id || !place) return {};
    const { label, start, end } = place;
    const origin = verb === "confirm" ? "confirmed" : "corrected";
    return { annotation: { id: result.annotation_id, label, start, end, origin, revision: 1, flagged: false } };
  }

  async function takeBack(op: Extract<Op, { op: "take-back" }>): Promise<Effect> {
    const { target } = op.decision;
    const result = await event({ event_id: op.n, verb: "undo", series_id: seriesId, undoes: op.eventId });
    if (!result.annotation_id || target.kind !== "annotation") return {};
    const { label, start, end } = target;
    return {
      annotation: { id: result.annotation_id, label, start, end, origin: "talib", revision: 1, flagged: false },
    };
  }

  async function event(body: Schemas["FeedbackEvent"]): Promise<Schemas["FeedbackResult"]> {
    const { results } = await unwrap(api.POST("/feedback", { body: { label_set: labelSet, events: [body] } }));
    const result = results[0];
    if (result?.status === "accepted" || result?.status === "duplicate") return result;
    if (result?.status === "conflict") {
      throw new Refused("conflict", "Somebody decided here before.", result.current ?? null);
    }
    throw new Refused(result?.problem?.code ?? "unknown", result?.problem?.detail ?? "The event was not taken.", null);
  }

  return { read, send };
}

class Refused extends Error {
  readonly outcome: Outcome;

  constructor(code: string, message: string, current: Current | null) {
    super(message);
    this.outcome = refused(code, message, current);
  }
}

function refused(code: string, message: string, current: Current | null): Outcome {
  return { kind: "refused", code, message, current };
}

/** An op that was sent before without its answer having arrived: what it wanted is so. */
function alreadySo(op: Op, problem: Problem, current: Current | null, document: Document): Outcome | null {
  if (op.op === "delete" && problem.code === "unknown_annotation") return { kind: "taken", effect: {} };
  if (op.op === "unreview" && problem.code === "unknown_range") return { kind: "taken", effect: {} };
  if (op.op !== "create" && op.op !== "change") return null;
  if (current?.kind !== "annotation" || current.deleted || current.revision == null || !current.start_time) return null;
  const { label, start, end } = op.place;
  const isThis = op.op === "create" || idOf(document, op.key) === current.id;
  const isSo =
    current.label === label && msOf(current.start_time) === start && msOf(current.end_time ?? "") === end && isThis;
  if (!isSo) return null;
  const origin = (current.origin ?? "human") as Saved["origin"];
  const annotation = { id: current.id, label, start, end, origin, revision: current.revision, flagged: false };
  return { kind: "taken", effect: { annotation } };
}

function idOf(document: Document, key: string): string {
  return document.idOf.get(key) ?? key;
}

function ifMatch(base: number | null): { "if-match": string } {
  return { "if-match": base === null ? "*" : `"${base}"` };
}

function written({ label, start, end }: Place) {
  return { label, ...writtenRange({ start, end }) };
}

function writtenRange({ start, end }: Range) {
  return { start_time: isoTime(start), end_time: isoTime(end) };
}

function writtenTarget(target: Target): Schemas["FeedbackTarget"] {
  const place = { kind: target.kind, id: target.id, ...written(target) };
  return target.kind === "annotation"
    ? place
    : { ...place, confidence: target.confidence, model_version: target.modelVersion };
}

export function savedAnnotation(row: Schemas["Annotation"]): Saved {
  const { id, label, origin, revision, flagged } = row;
  return { id, label, origin, revision, flagged, start: msOf(row.start_time), end: msOf(row.end_time) };
}

function savedRange(row: Schemas["ReviewedRange"]): SavedRange {
  return { id: row.id, labels: row.labels, start: msOf(row.start_time), end: msOf(row.end_time) };
}

async function everyPage<Item>(
  page: (cursor: string | undefined) => Promise<{ items: Item[]; next_cursor?: string | null }>,
): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const answer = await page(cursor);
    items.push(...answer.items);
    cursor = answer.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return items;
}
