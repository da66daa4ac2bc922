export { LabelSetChoice } from "./label-set-choice";
export { NewLabelSet } from "./new-label-set";
export { useChosenLabelSet, useLabelSet } from "./use-label-set";
