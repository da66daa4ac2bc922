import { createHash, timingSafeEqual } from "node:crypto";

import { type Environment, isLoopbackHost } from "@/server/environment";
import { problem } from "@/server/problem";

const READING = new Set(["GET", "HEAD"]);

/** Who may ask at all: this machine, or somebody with the password where the page is published. */
export function refuseVisitor(headers: Headers, { loopback, password }: Environment): Response | null {
  if (loopback && !isLoopbackHost(headers.get("host") ?? "")) {
    // Another site can make a browser ask a loopback address under that site's own name (DNS rebinding).
    return problem(421, "unknown_host", "This page answers to localhost only.");
  }
  if (!loopback && password === undefined) {
    return problem(
      503,
      "no_password",
      "This page is published beyond this machine without a password: set CANDLELOOP_WEB_PASSWORD.",
    );
  }
  if (password !== undefined && !knowsPassword(headers.get("authorization"), password)) {
    return problem(401, "password_needed", "This page needs its password; any user name will do.", {
      "WWW-Authenticate": 'Basic realm="candleloop", charset="UTF-8"',
    });
  }
  return null;
}

/** What may change something: a page of this very server, with the content type that the call takes. */
export function refuseChange(method: string, headers: Headers, takes: readonly string[]): Response | null {
  if (READING.has(method)) return null;
  if (isFromElsewhere(headers)) {
    return problem(
      403,
      "foreign_origin",
      "A page of another site asked for this; only this page may change something.",
    );
  }
  const type = headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  const hasBody = headers.has("transfer-encoding") || Number(headers.get("content-length") ?? 0) > 0;
  // A form of another site can send no such type without asking first.
  if ((hasBody || type !== undefined) && !takes.includes(type ?? "")) {
    return problem(415, "unsupported_media_type", `Send the body with Content-Type: ${takes.join(" or ")}.`);
  }
  return null;
}

function isFromElsewhere(headers: Headers): boolean {
  const site = headers.get("sec-fetch-site");
  if (site !== null && site !== "same-origin" && site !== "none") return true;
  const origin = headers.get("origin");
  if (origin === null) return false;
  const host = headers.get("x-forwarded-host") ?? headers.get("host");
  return !URL.canParse(origin) || new URL(origin).host !== host;
}

function knowsPassword(authorization: string | null, password: string): boolean {
  const [scheme, encoded] = (authorization ?? "").split(" ");
  if (scheme?.toLowerCase() !== "basic" || encoded === undefined) return false;
  const given = Buffer.from(encoded, "base64")
    .toString("utf8")
    .replace(/^[^:]*:/, "");
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(password));
}
