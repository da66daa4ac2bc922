export { AnnotatePage } from "./annotate-page";
