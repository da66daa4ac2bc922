import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [react()],
  resolve: {
    alias: {
      "@": new URL("./src", import.meta.url).pathname,
      // Marks modules that must never reach the browser; outside of Next it would refuse every import.
      "server-only": new URL("./src/server/server-only-in-tests.ts", import.meta.url).pathname,
    },
  },
  test: { include: ["src/**/*.test.{ts,tsx}"], setupFiles: ["src/lib/setup-tests.ts"], testTimeout: 60_000 },
});
