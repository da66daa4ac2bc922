export { IntervalBar } from "./interval-bar";
export { comparedOf, ModelsPage } from "./models-page";
