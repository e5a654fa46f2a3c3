/** The time by which freezes and approvals are judged. */
import type { GitHub } from '../../github/github.ts';
import { Failure } from '../../outcome/outcome.ts';

/** Now by GitHub's clock, as far as GitHub has been asked; by this machine's where there is no GitHub to ask. */
export function nowBy(github: () => GitHub): Date {
  try {
    return github().now();
  } catch (thrown) {
    if (thrown instanceof Failure) return new Date();
    throw thrown;
  }
}
