"use client";

import Link from "next/link";

import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";

/** What is shown in place of a page that threw; Next.js gives errors of its server a `digest` instead of their words. */
export default function Failed({ error, reset }: { error: Error & { digest?: string }; reset: () => void }) {
  return (
    <main className="mx-auto w-full max-w-2xl p-6">
      <Notice look="bad" title="This page failed" action={<Button onClick={reset}>Try again</Button>}>
        <p className="break-words">
          {error.digest
            ? `Something went wrong in the page's own server; its log has more under ${error.digest}.`
            : error.message || "The error came without a message."}
        </p>
        <p>
          If it fails again, go on to{" "}
          <Link className="underline" href="/series">
            the list of series
          </Link>{" "}
          and open it from there.
        </p>
      </Notice>
    </main>
  );
}
