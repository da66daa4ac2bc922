// Whether the web page serves and reaches the API: ends with code 0 when it does.

const password = Buffer.from(`health:${process.env.CANDLELOOP_WEB_PASSWORD}`).toString("base64");

try {
  const answer = await fetch(`http://127.0.0.1:${process.env.PORT}/api/healthz`, {
    headers: { authorization: `Basic ${password}` },
    signal: AbortSignal.timeout(8_000),
  });
  process.exit(answer.ok ? 0 : 1);
} catch {
  process.exit(1);
}
