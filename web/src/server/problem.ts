/** A refusal of this server in the words of the service behind it: `application/problem+json` with a stable `code`. */
export function problem(status: number, code: string, detail: string, headers: Record<string, string> = {}): Response {
  const title = (code.charAt(0).toUpperCase() + code.slice(1)).replaceAll("_", " ");
  return new Response(JSON.stringify({ type: `urn:candleloop:problem:${code}`, title, status, detail, code }), {
    status,
    headers: { "Content-Type": "application/problem+json", "Cache-Control": "no-store", ...headers },
  });
}
