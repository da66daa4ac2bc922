import { type ComponentProps, type ReactNode, useId } from "react";

import { classes } from "@/lib/classes";

export const CONTROL =
  "min-h-8 w-full rounded-md border border-line-strong bg-bg px-2 text-sm text-ink disabled:opacity-45 aria-[invalid=true]:border-bad";

type Common = { label: string; hint?: ReactNode; problem?: string | undefined; className?: string };

/** A labelled text field that says what is wrong with it. */
export function TextField({ label, hint, problem, className, ...rest }: Common & Omit<ComponentProps<"input">, "id">) {
  const id = useId();
  return (
    <div className={className}>
      <label htmlFor={id} className="mb-1 block font-medium text-xs">
        {label}
      </label>
      <input
        id={id}
        className={classes(CONTROL)}
        aria-invalid={problem !== undefined}
        aria-describedby={problem || hint ? `${id}-more` : undefined}
        {...rest}
      />
      {(problem || hint) && (
        <p id={`${id}-more`} className={classes("mt-1 text-xs", problem ? "text-bad" : "text-muted")}>
          {problem ?? hint}
        </p>
      )}
    </div>
  );
}

/** A labelled choice of one of several. */
export function SelectField({
  label,
  hint,
  problem,
  className,
  children,
  ...rest
}: Common & Omit<ComponentProps<"select">, "id">) {
  const id = useId();
  return (
    <div className={className}>
      <label htmlFor={id} className="mb-1 block font-medium text-xs">
        {label}
      </label>
      <select
        id={id}
        className={classes(CONTROL)}
        aria-invalid={problem !== undefined}
        aria-describedby={problem || hint ? `${id}-more` : undefined}
        {...rest}
      >
        {children}
      </select>
      {(problem || hint) && (
        <p id={`${id}-more`} className={classes("mt-1 text-xs", problem ? "text-bad" : "text-muted")}>
          {problem ?? hint}
        </p>
      )}
    </div>
  );
}

export function CheckField({ label, hint, ...rest }: { label: ReactNode; hint?: ReactNode } & ComponentProps<"input">) {
  return (
    <label className="flex min-h-6 items-start gap-2">
      <input type="checkbox" className="mt-0.5 size-4 shrink-0" {...rest} />
      <span>
        {label}
        {hint && <span className="block text-muted text-xs">{hint}</span>}
      </span>
    </label>
  );
}
