import { describe, expect, it } from "vitest";

import { environment } from "@/server/environment";
import { UPLOAD } from "@/server/proxy";
import { isOpen, routeOf } from "@/server/routes";

describe("the calls that pages may use", () => {
  it("leaves out what is not listed and what climbs", () => {
    expect(isOpen(["series", "a", "candles"])).toBe(true);
    expect(isOpen(["metrics"])).toBe(false);
    expect(isOpen(["docs"])).toBe(false);
    expect(isOpen([])).toBe(false);
    expect(isOpen(["series", ".."])).toBe(false);
  });

  it("gives files time and their own content type", () => {
    expect(routeOf("POST", ["series"])).toBe(UPLOAD);
    expect(routeOf("POST", ["series", "a", "candles"])).toBe(UPLOAD);
    expect(routeOf("POST", ["annotations", "import"])).toBe(UPLOAD);
    expect(routeOf("GET", ["series", "a", "candles"])).toEqual({});
  });
});

describe("settings", () => {
  it("has defaults for one machine", () => {
    expect(environment({})).toEqual({
      apiUrl: "http://127.0.0.1:8001",
      apiKey: undefined,
      password: undefined,
      features: [],
      loopback: true,
    });
  });

  it("takes empty variables as unset and features as a list", () => {
    const read = environment({
      CANDLELOOP_API_URL: "http://api:8001/",
      CANDLELOOP_API_KEY: "",
      CANDLELOOP_FEATURES: "a, b,",
      HOSTNAME: "0.0.0.0",
    });
    expect(read).toMatchObject({ apiUrl: "http://api:8001", apiKey: undefined, features: ["a", "b"], loopback: false });
  });
});
