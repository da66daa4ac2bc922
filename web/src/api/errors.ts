import type { components } from "@/api/schema";

export type ProblemBody = components["schemas"]["ProblemDetails"];

/** A refusal with its stable code; `detail` is a sentence for people. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly field: string | undefined;
  readonly body: Partial<ProblemBody> & Record<string, unknown>;

  constructor(status: number, body: Partial<ProblemBody> & Record<string, unknown>) {
    super(body.detail ?? `The service answered ${status}.`);
    this.name = "Problem";
    this.status = status;
    this.code = body.code ?? "unknown";
    this.field = body.field ?? undefined;
    this.body = body;
  }

  /** What is the matter while {@link isAway}, as a title: whether the service does not answer, or answers that it failed. */
  get awayTitle(): string {
    return this.code === "internal_error" ? "The service failed" : "The service is away";
  }

  /** Whether the service is away rather than unwilling, so that the same call may succeed later. */
  get isAway(): boolean {
    return AWAY.has(this.code) || (this.status === 503 && this.code === "unknown");
  }
}

const AWAY = new Set(["service_unreachable", "service_timeout", "offline", "internal_error"]);

/** Turn whatever a call failed with into a problem. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem(0, { code: "offline", detail: "The page cannot reach its own server." });
}

export function problemOf(status: number, body: unknown): Problem {
  const known = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  return new Problem(status, known);
}
