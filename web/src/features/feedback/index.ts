export { DecisionBar, type DecisionBarProps } from "./decision-bar";
export { LearningStatus } from "./learning-status";
export { ModelNotice } from "./model-notice";
export { REASONS } from "./reasons";
export { annotationTarget, predictionTarget } from "./targets";
