import "server-only";

import { forward, PREDICT, type Route, UPLOAD } from "@/server/proxy";

/** The calls of the service that pages may use; everything else under /api does not exist. */
const FIRST_SEGMENTS = new Set([
  "agreement",
  "annotations",
  "autolabel",
  "disagreements",
  "feedback",
  "healthz",
  "jobs",
  "label-sets",
  "model",
  "models",
  "predict",
  "readyz",
  "review",
  "series",
  "train",
]);

export function isOpen(segments: readonly string[]): boolean {
  const [first, ...rest] = segments;
  return first !== undefined && FIRST_SEGMENTS.has(first) && !rest.some((part) => part === "." || part === "..");
}

/** How long a call may take and what it is sent as. */
export function routeOf(method: string, segments: readonly string[]): Route {
  const [first, , third] = segments;
  if (method === "POST" && first === "series" && (segments.length === 1 || third === "candles")) return UPLOAD;
  if (method === "POST" && segments.join("/") === "annotations/import") return UPLOAD;
  if (first === "predict") return PREDICT;
  return {};
}

export type Handler<Parameters> = (request: Request, context: { params: Promise<Parameters> }) => Promise<Response>;

/** Make the handler of a call that has a route of its own. */
export function handler(...segments: string[]): (request: Request) => Promise<Response> {
  return (request) => forward(request, segments, routeOf(request.method, segments));
}
