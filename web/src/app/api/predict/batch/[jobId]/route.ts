import { forward } from "@/server/proxy";
import type { Handler } from "@/server/routes";

/** Follow or cancel a batch: to the service it is a job like any other. */
const job: Handler<{ jobId: string }> = async (request, { params }) => forward(request, ["jobs", (await params).jobId]);

export { job as DELETE, job as GET };
