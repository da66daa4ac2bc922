import "server-only";

import { z } from "zod";

const LOOPBACK = new Set(["localhost", "127.0.0.1", "::1", "[::1]"]);

const schema = z.object({
  CANDLELOOP_API_URL: z.url({ protocol: /^https?$/ }).default("http://127.0.0.1:8001"),
  CANDLELOOP_API_KEY: z.string().min(1).optional(),
  CANDLELOOP_WEB_PASSWORD: z.string().min(1).optional(),
  CANDLELOOP_FEATURES: z.string().default(""),
  HOSTNAME: z.string().default("127.0.0.1"),
});

export type Environment = {
  /** Where the Python service answers, without a slash at the end. */
  apiUrl: string;
  apiKey: string | undefined;
  password: string | undefined;
  features: readonly string[];
  /** Whether only this machine can reach the page. */
  loopback: boolean;
};

/** Read the settings of this process; each request asks anew, so that one build serves everywhere. */
export function environment(variables: Record<string, string | undefined> = process.env): Environment {
  const filled = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ""));
  const read = schema.parse(filled);
  return {
    apiUrl: read.CANDLELOOP_API_URL.replace(/\/+$/, ""),
    apiKey: read.CANDLELOOP_API_KEY,
    password: read.CANDLELOOP_WEB_PASSWORD,
    features: read.CANDLELOOP_FEATURES.split(",")
      .map((name) => name.trim())
      .filter(Boolean),
    loopback: LOOPBACK.has(read.HOSTNAME),
  };
}

export function isLoopbackHost(host: string): boolean {
  return LOOPBACK.has(host.toLowerCase().replace(/:\d+$/, ""));
}
