"use client";

import { asProblem } from "@/api/errors";
import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";

export default function Failed({ error, reset }: { error: Error; reset: () => void }) {
  return (
    <main className="mx-auto w-full max-w-2xl p-6">
      <Notice look="bad" title="This page failed" action={<Button onClick={reset}>Try again</Button>}>
        {asProblem(error).message}
      </Notice>
    </main>
  );
}
