import type { NextRequest } from "next/server";

import { environment } from "@/server/environment";
import { refuseVisitor } from "@/server/gate";

/** Keep strangers from the pages. Calls under /api have the same check in their handlers: here bodies would be cut. */
export function proxy(request: NextRequest): Response | undefined {
  return refuseVisitor(request.headers, environment()) ?? undefined;
}

export const config = { matcher: ["/((?!api/).*)"] };
