import type { ReactNode } from "react";

export function Kbd({ children }: { children: ReactNode }) {
  return (
    <kbd className="inline-flex min-w-4.5 items-center justify-center rounded border border-current/40 px-1 font-mono text-[10.5px] leading-4 opacity-80">
      {children}
    </kbd>
  );
}
