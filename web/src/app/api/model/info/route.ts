import { handler } from "@/server/routes";

export const GET = handler("model", "info");
