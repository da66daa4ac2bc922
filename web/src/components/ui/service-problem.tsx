import { asProblem } from "@/api/errors";
import { Notice } from "@/components/ui/notice";

/** Why something could not be read, in the service's words, and whether one has to do anything about it. */
export function whyNot(error: Error): string {
  const { message, isAway } = asProblem(error);
  return isAway ? `${message} It is asked again by itself.` : message;
}

export function ServiceProblem({ error, title }: { error: Error; title?: string | undefined }) {
  return (
    <Notice look="bad" title={title}>
      {whyNot(error)}
    </Notice>
  );
}
