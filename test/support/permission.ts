/** What a workflow file becomes where a job is not given one of its permissions. */
import { parse, stringify } from 'yaml';

/** The workflow with one permission of a job left out, as `checks: read`; what may be written can then only be read. */
export function withoutPermission(text: string, permission: string, job: string): string {
  const known = parse(text) as { jobs: Record<string, { permissions: Record<string, string> }> };
  const { permissions } = known.jobs[job]!;
  const [name = '', level] = permission.split(': ');
  if (permissions[name] !== level) throw new Error(`the job ${job} does not declare ${permission}`);
  if (level === 'write') permissions[name] = 'read';
  else delete permissions[name];
  return stringify(known);
}
