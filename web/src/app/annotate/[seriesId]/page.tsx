import type { Metadata } from "next";

import { AnnotatePage } from "@/features/annotate";

type Properties = { params: Promise<{ seriesId: string }> };

export async function generateMetadata({ params }: Properties): Promise<Metadata> {
  return { title: decodeURIComponent((await params).seriesId) };
}

export default async function Page({ params }: Properties) {
  return <AnnotatePage seriesId={decodeURIComponent((await params).seriesId)} />;
}
