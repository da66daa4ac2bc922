import "server-only";

/** How long requests that are on their way have once the server is asked to stop, ms. */
const GRACE = 3_000;

/**
 * End a while after a signal to stop.
 *
 * The server of Next waits until each connection has nothing on its way, which an open page that keeps asking can put off
 * forever.
 */
export function endSoonAfterSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => setTimeout(() => process.exit(0), GRACE).unref());
  }
}
