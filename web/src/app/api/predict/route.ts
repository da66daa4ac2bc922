import { handler } from "@/server/routes";

export const POST = handler("predict");
