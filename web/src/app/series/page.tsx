import type { Metadata } from "next";

import { SeriesPage } from "@/features/series";

export const metadata: Metadata = { title: "Series" };

export default function Page() {
  return <SeriesPage />;
}
