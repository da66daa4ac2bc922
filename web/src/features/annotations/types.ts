import type { Schemas } from "@/api/client";

/** A label on bars, by the bar-open times of its first and last bar, milliseconds since 1970 UTC, both inclusive. */
export type Place = { readonly label: string; readonly start: number; readonly end: number };

export type Range = { readonly start: number; readonly end: number };

export type Origin = Schemas["Annotation"]["origin"];

/** An annotation as the page shows it. `key` stays the same from the first stroke on; `id` is null until it is saved. */
export type Annotation = Place & {
  readonly key: string;
  readonly id: string | null;
  readonly origin: Origin;
  readonly revision: number;
  readonly flagged: boolean;
  readonly unsaved: boolean;
};

export type ReviewedRange = Range & {
  readonly key: string;
  readonly id: string | null;
  readonly labels: readonly string[] | null;
  readonly unsaved: boolean;
};

export type Verb = "confirm" | "correct" | "dismiss";
export type Reason = NonNullable<Schemas["FeedbackEvent"]["reason"]>;

/** What a person decides on: a prediction, or a mark of TA-Lib's. */
export type Target = Place & {
  readonly kind: "prediction" | "annotation";
  readonly id: string;
  readonly confidence: number | null;
  readonly modelVersion: string | null;
};

export type Decision = {
  readonly eventId: string;
  readonly verb: Verb;
  readonly target: Target;
  readonly correction: Place | null;
  readonly reason: Reason | null;
  /** What others shall know about it. */
  readonly note: string | null;
  readonly reviewItem: string | null;
  readonly blind: boolean;
  readonly seconds: number | null;
};

/** One thing to tell the service. `base` is the revision that the person saw; null takes that of the op before it. */
export type Op =
  | { readonly n: string; readonly op: "create"; readonly key: string; readonly place: Place }
  | {
      readonly n: string;
      readonly op: "change";
      readonly key: string;
      readonly place: Place;
      readonly was: Place;
      readonly base: number | null;
    }
  | {
      readonly n: string;
      readonly op: "delete";
      readonly key: string;
      readonly was: Place;
      readonly base: number | null;
    }
  | { readonly n: string; readonly op: "review"; readonly key: string; readonly range: Range }
  | { readonly n: string; readonly op: "unreview"; readonly key: string; readonly range: Range }
  | { readonly n: string; readonly op: "decide"; readonly decision: Decision }
  | { readonly n: string; readonly op: "take-back"; readonly eventId: string; readonly decision: Decision };

/** What lies at the place of an edit that came too late. */
export type Current = Schemas["Current"];

/** An op that the service did not take. */
export type Trouble = {
  readonly op: Op;
  readonly code: string;
  readonly message: string;
  readonly current: Current | null;
};
