import Link from "next/link";

import { Notice } from "@/components/ui/notice";

/** What is shown for an address that no page has. */
export default function NotFound() {
  return (
    <main className="mx-auto w-full max-w-2xl p-6">
      <h1 className="sr-only">Not found</h1>
      <Notice look="warn" title="There is no such page">
        Nothing is at this address. Go on to{" "}
        <Link className="underline" href="/series">
          the list of series
        </Link>
        .
      </Notice>
    </main>
  );
}
