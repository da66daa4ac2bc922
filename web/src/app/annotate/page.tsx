import type { Metadata } from "next";

import { LastSeries } from "@/features/annotate/last-series";

export const metadata: Metadata = { title: "Annotate" };

export default function Page() {
  return <LastSeries />;
}
