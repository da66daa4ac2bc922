import { once } from "node:events";
import { connect } from "node:net";

import { startWeb, test } from "./support";

test("the server of the page ends when it is asked to, whatever a browser still has on its way", async () => {
  const web = await startWeb(process.env.E2E_API as string);
  const { hostname, port } = new URL(web.url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  // A whole request, so that its answer tells that the server has this connection, and half of the next one.
  socket.write(`GET /api/healthz HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\nGET /api/healthz HTTP/1.1\r\n`);
  await once(socket, "data");
  const ended = once(socket, "close");
  await web.stop();
  await ended;
});
