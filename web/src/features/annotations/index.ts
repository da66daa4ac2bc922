export { keyOfEvent } from "./document";
export { type LabelledSpan, match, type ProposedSpan } from "./match";
export { browserOutbox } from "./outbox";
export { annotationService } from "./service";
export {
  type BarSpan,
  between,
  contains,
  type Edge,
  fitted,
  inside,
  iou,
  lengthOf,
  moveEdge,
  overlaps,
  shift,
} from "./spans";
export { type Act, type AnnotationState, type AnnotationStore, createAnnotationStore, type SaveState } from "./store";
export type {
  Annotation,
  Current,
  Decision,
  Op,
  Origin,
  Place,
  Range,
  Reason,
  ReviewedRange,
  Target,
  Trouble,
  Verb,
} from "./types";
