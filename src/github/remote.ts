/** Which repository of GitHub a checkout belongs to, where no runner says it. */
import { run } from '../process/process.ts';

/** owner/name of the remote `origin`; null where there is no git, no origin, or it lies elsewhere than on `serverUrl`. */
export async function repositoryOfCheckout(
  workspace: string,
  serverUrl = 'https://github.com',
): Promise<string | null> {
  const asked = await run({ file: 'git', args: ['config', '--get', 'remote.origin.url'], cwd: workspace }).catch(
    () => null,
  );
  return asked?.status === 0 ? repositoryOfRemote(asked.stdout.trim(), serverUrl) : null;
}

/** owner/name of a remote's URL: https, ssh:// or the form user@host:path. Pure. */
export function repositoryOfRemote(remote: string, serverUrl: string): string | null {
  const host = new URL(serverUrl).hostname.replaceAll('.', '\\.');
  const found = new RegExp(
    `^(?:https?://(?:[^@/]*@)?|ssh://(?:[^@/]*@)?|[^@/]+@)${host}(?::\\d+)?[/:]([\\w.-]+/[\\w.-]+?)(?:\\.git)?/?$`,
  ).exec(remote);
  return found?.[1] ?? null;
}
