import type { Metadata } from "next";

import { JobPage } from "@/features/jobs";

export const metadata: Metadata = { title: "Job" };

export default async function Page({ params }: { params: Promise<{ jobId: string }> }) {
  return <JobPage jobId={decodeURIComponent((await params).jobId)} />;
}
