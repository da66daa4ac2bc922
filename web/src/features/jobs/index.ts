export { JobPage } from "./job-page";
export { JobProgress } from "./job-progress";
export { JobsPage } from "./jobs-page";
export { useCancelJob, useJob } from "./service";
export { isActive, type Job, jobName } from "./standing";
