import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { Environment } from "@/server/environment";
import { forward, UPLOAD } from "@/server/proxy";

type Respond = (request: IncomingMessage, response: ServerResponse, body: string) => void;

let service: Server;
let settings: Environment;
let respond: Respond;
let seen: { url: string; headers: IncomingMessage["headers"]; method: string; body: string }[];

beforeEach(async () => {
  seen = [];
  respond = (_request, response) => response.writeHead(200, { "Content-Type": "application/json" }).end("{}");
  service = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    seen.push({ url: request.url ?? "", headers: request.headers, method: request.method ?? "", body });
    respond(request, response, body);
  });
  await new Promise<void>((ready) => service.listen(0, "127.0.0.1", ready));
  const { port } = service.address() as AddressInfo;
  settings = {
    apiUrl: `http://127.0.0.1:${port}`,
    apiKey: "secret",
    password: undefined,
    features: [],
    loopback: true,
  };
});

afterEach(async () => {
  service.closeAllConnections();
  await new Promise((closed) => service.close(closed));
});

function ask(path: string, options: RequestInit = {}): Request {
  return new Request(`http://localhost:3000${path}`, {
    ...options,
    headers: { host: "localhost:3000", ...(options.headers as Record<string, string>) },
  });
}

function post(path: string, body: unknown, headers: Record<string, string> = {}): Request {
  const text = JSON.stringify(body);
  return ask(path, {
    method: "POST",
    body: text,
    headers: {
      "content-type": "application/json",
      "content-length": String(text.length),
      origin: "http://localhost:3000",
      ...headers,
    },
  });
}

async function code(answer: Response): Promise<string> {
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  return (await answer.json()).code;
}

describe("what is passed on", () => {
  it("sends path, query, body and precondition on, and the key that the page never sees", async () => {
    const request = post("/api/series/a/annotations?label_set=default", { label: "doji" }, { "if-match": '"3"' });
    const answer = await forward(request, ["series", "a", "annotations"], {}, settings);
    expect(answer.status).toBe(200);
    expect(seen[0]).toMatchObject({
      method: "POST",
      url: "/series/a/annotations?label_set=default",
      body: '{"label":"doji"}',
    });
    expect(seen[0]?.headers).toMatchObject({ authorization: "Bearer secret", "if-match": '"3"' });
  });

  it("keeps the page's own cookies and credentials from the service", async () => {
    await forward(
      ask("/api/series", { headers: { cookie: "a=b", authorization: "Basic eA==" } }),
      ["series"],
      {},
      {
        ...settings,
        apiKey: undefined,
      },
    );
    expect(seen[0]?.headers.cookie).toBeUndefined();
    expect(seen[0]?.headers.authorization).toBeUndefined();
  });

  it("keeps slashes and dots inside an id", async () => {
    await forward(ask("/api/series/x"), ["series", "../jobs"], {}, settings);
    expect(seen[0]?.url).toBe("/series/..%2Fjobs");
  });

  it("gives problems of the service back as they are", async () => {
    respond = (_request, response) =>
      response
        .writeHead(412, { "Content-Type": "application/problem+json", ETag: '"4"' })
        .end('{"code":"outdated","detail":"x"}');
    const answer = await forward(ask("/api/series/a"), ["series", "a"], {}, settings);
    expect(answer.status).toBe(412);
    expect(answer.headers.get("etag")).toBe('"4"');
    expect(await code(answer)).toBe("outdated");
  });

  it("streams an upload of several megabytes", async () => {
    respond = (_request, response, body) => response.writeHead(201).end(String(body.length));
    const request = ask("/api/series?name=a.csv", {
      method: "POST",
      body: "x".repeat(5_000_000),
      headers: { "content-type": "application/octet-stream", "content-length": "5000000" },
    });
    const answer = await forward(request, ["series"], UPLOAD, settings);
    expect(await answer.text()).toBe("5000000");
  });
});

describe("when the service does not answer", () => {
  it("says that it is away", async () => {
    const answer = await forward(ask("/api/series"), ["series"], {}, { ...settings, apiUrl: "http://127.0.0.1:1" });
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).toBe("3");
    expect(await code(answer)).toBe("service_unreachable");
  });

  it("gives up after the time of the call", async () => {
    respond = () => undefined;
    const answer = await forward(ask("/api/series"), ["series"], { seconds: 0.2 }, settings);
    expect(answer.status).toBe(504);
    expect(await code(answer)).toBe("service_timeout");
  });

  it("ends the request behind it when the page goes away", async () => {
    const controller = new AbortController();
    const closed = new Promise<void>((done) => {
      respond = (_request, response) => {
        response.on("close", done);
        controller.abort();
      };
    });
    const answer = await forward(ask("/api/series", { signal: controller.signal }), ["series"], {}, settings);
    expect(answer.status).toBe(499);
    await closed;
  });
});

describe("who may ask", () => {
  it.each([
    ["another site", { origin: "http://evil.example" }],
    ["an opaque origin", { origin: "null" }],
    ["a cross-site fetch", { origin: "http://localhost:3000", "sec-fetch-site": "cross-site" }],
    ["another port of this machine", { origin: "http://localhost:9999" }],
  ])("refuses a change asked for by %s", async (_name, headers) => {
    const answer = await forward(post("/api/feedback", {}, headers), ["feedback"], {}, settings);
    expect(answer.status).toBe(403);
    expect(seen).toEqual([]);
  });

  it.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])(
    "refuses a body of type %s, which a form could send",
    async (type) => {
      const answer = await forward(post("/api/feedback", {}, { "content-type": type }), ["feedback"], {}, settings);
      expect(answer.status).toBe(415);
      expect(seen).toEqual([]);
    },
  );

  it("answers to loopback names only while it listens on loopback", async () => {
    const answer = await forward(ask("/api/series", { headers: { host: "evil.example" } }), ["series"], {}, settings);
    expect(answer.status).toBe(421);
  });

  it("serves nobody beyond loopback without a password", async () => {
    const published = { ...settings, loopback: false };
    expect(await code(await forward(ask("/api/series"), ["series"], {}, published))).toBe("no_password");
  });

  it("asks for the password and takes the right one only", async () => {
    const published = { ...settings, loopback: false, password: "a:b ä" };
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` });
    const status = async (headers: Record<string, string>) =>
      (await forward(ask("/api/series", { headers }), ["series"], {}, published)).status;
    expect(await status({})).toBe(401);
    expect(await status(basic("me:wrong"))).toBe(401);
    expect(await status(basic("me:a:b ä"))).toBe(200);
  });
});
