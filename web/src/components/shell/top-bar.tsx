"use client";

import Link from "next/link";
import { usePathname } from "next/navigation";
import { lazy, Suspense } from "react";

import { ThemeSwitch } from "@/components/shell/theme-switch";
import { classes } from "@/lib/classes";
import { useAlive } from "@/lib/use-alive";

// It asks the service, and what that takes is no part of what a page needs before it shows anything.
const ServiceState = lazy(async () => ({ default: (await import("@/components/shell/service-state")).ServiceState }));

const PAGES = [
  { href: "/series", name: "Series" },
  { href: "/annotate", name: "Annotate" },
  { href: "/label-next", name: "Label next" },
  { href: "/jobs", name: "Jobs" },
  { href: "/models", name: "Models" },
] as const;

export function TopBar() {
  const path = usePathname();
  // The page below may have asked for the state before the code that shows it is here: the server knows none.
  const alive = useAlive();
  return (
    <header className="flex shrink-0 flex-wrap items-center gap-x-4 gap-y-1 border-line border-b bg-bg px-3 py-1.5">
      <Link href="/series" className="flex items-center gap-2 font-bold text-[15px] tracking-tight">
        <Mark />
        candleloop
      </Link>
      <nav
        aria-label="Pages"
        className="flex min-w-0 flex-1 gap-0.5 overflow-x-auto max-sm:order-last max-sm:basis-full max-sm:justify-between"
      >
        {PAGES.map(({ href, name }) => {
          const here = path === href || path.startsWith(`${href}/`);
          return (
            <Link
              key={href}
              href={href}
              aria-current={here ? "page" : undefined}
              className={classes(
                "whitespace-nowrap rounded-md px-2.5 py-1 transition-colors max-sm:px-2",
                here ? "bg-surface font-semibold text-ink" : "text-muted hover:bg-surface hover:text-ink",
              )}
            >
              {name}
            </Link>
          );
        })}
      </nav>
      <span className="flex-1 sm:hidden" />
      {alive && (
        <Suspense>
          <ServiceState />
        </Suspense>
      )}
      <ThemeSwitch />
    </header>
  );
}

function Mark() {
  return (
    <svg viewBox="0 0 20 20" className="size-5" aria-hidden="true">
      <path d="M6 2v16M14 2v16" stroke="currentColor" strokeWidth="1.4" />
      <rect x="3.5" y="5" width="5" height="9" rx="1" fill="var(--human)" />
      <rect x="11.5" y="7" width="5" height="8" rx="1" fill="var(--bg)" stroke="var(--model)" strokeWidth="1.6" />
    </svg>
  );
}
