export { formatOf, MarksFiles } from "./marks-files";
