import { asProblem } from "@/api/errors";
import { Notice } from "@/components/ui/notice";

/** Why something could not be read, in the service's words, and whether one has to do anything about it. */
export function ServiceProblem({ error, title }: { error: Error; title?: string | undefined }) {
  const { message, isAway } = asProblem(error);
  return (
    <Notice look="bad" title={title}>
      {message}
      {isAway && " It is asked again by itself."}
    </Notice>
  );
}
