import "server-only";

import { type Environment, environment } from "@/server/environment";
import { refuseChange, refuseVisitor } from "@/server/gate";
import { problem } from "@/server/problem";

const PASSED_ON = ["accept", "content-type", "content-length", "if-match", "if-none-match"];
const PASSED_BACK = [
  "content-type",
  "content-disposition",
  "cache-control",
  "etag",
  "location",
  "retry-after",
  "last-modified",
];

const JSON_ONLY = ["application/json"] as const;
const FILE = ["application/octet-stream"] as const;

export type Route = {
  /** Seconds until the service must have begun its answer. */
  seconds?: number;
  /** Content types of the body. */
  takes?: readonly string[];
};

export const PREDICT: Route = { seconds: 30 };
export const UPLOAD: Route = { seconds: 900, takes: FILE };

/**
 * Hand a request to the Python service and its answer back, both as streams.
 *
 * The key stays on this server, the service's problems pass through as they are, and a client that goes away ends the
 * request behind it.
 */
export async function forward(
  request: Request,
  segments: readonly string[],
  { seconds = 30, takes = JSON_ONLY }: Route = {},
  settings: Environment = environment(),
): Promise<Response> {
  const refusal = refuseVisitor(request.headers, settings) ?? refuseChange(request.method, request.headers, takes);
  if (refusal !== null) return refusal;

  const headers = new Headers({ "accept-encoding": "identity" });
  for (const name of PASSED_ON) {
    const value = request.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  if (settings.apiKey !== undefined) headers.set("authorization", `Bearer ${settings.apiKey}`);

  // One controller and a timer: AbortSignal.any with AbortSignal.timeout does not fire reliably on Node 20.
  const controller = new AbortController();
  const leave = () => controller.abort("left");
  request.signal.addEventListener("abort", leave, { once: true });
  const timer = setTimeout(() => controller.abort("late"), seconds * 1000);
  try {
    const path = segments.map(encodeURIComponent).join("/");
    const answer = await fetch(`${settings.apiUrl}/${path}${new URL(request.url).search}`, {
      method: request.method,
      headers,
      body: request.body,
      signal: controller.signal,
      redirect: "manual",
      cache: "no-store",
      duplex: "half",
    } as RequestInit);
    const back = new Headers({ "cache-control": "no-store" });
    for (const name of PASSED_BACK) {
      const value = answer.headers.get(name);
      if (value !== null) back.set(name, value);
    }
    return new Response(answer.body, { status: answer.status, headers: back });
  } catch {
    if (request.signal.aborted) return problem(499, "client_disconnected", "The page went away before the answer.");
    if (controller.signal.reason === "late") {
      return problem(504, "service_timeout", `The candleloop service gave no answer within ${seconds} seconds.`);
    }
    return problem(503, "service_unreachable", "The candleloop service does not answer. It may be starting up.", {
      "Retry-After": "3",
    });
  } finally {
    clearTimeout(timer);
  }
}
