import { problem } from "@/server/problem";
import { forward } from "@/server/proxy";
import { type Handler, isOpen, routeOf } from "@/server/routes";

/** Every other call of the service, by the same path. */
const pass: Handler<{ path: string[] }> = async (request, { params }) => {
  const { path } = await params;
  if (!isOpen(path)) return problem(404, "unknown_route", `There is nothing at /api/${path.join("/")}.`);
  return forward(request, path, routeOf(request.method, path));
};

export { pass as DELETE, pass as GET, pass as PATCH, pass as POST, pass as PUT };
