/** The row that says whether the teams of a list can be read where they are asked. Pure. */
import { type Finding, missing, named, type Row, unknown } from './finding.ts';
import type { Found } from './recognise.ts';

/** One row where `from` names a team, none otherwise. `readers` are the steps that read it. */
export function teamFindings(row: Omit<Row, 'asked'>, from: readonly string[], readers: readonly Found[]): Finding[] {
  const teams = from.filter((one) => one.startsWith('team:'));
  if (teams.length === 0) return [];
  const asked: Row = { ...row, asked: `the members of ${named(teams)} can be read` };
  const blind = readers.filter(({ token }) => token === 'job');
  if (blind.length === 0) {
    const look = 'see that its app has the organization permission Members: read';
    return [unknown(asked, 'the workflows have a token of their own, which is not seen from here', look)];
  }
  const places = [...new Set(blind.map(({ workflow, job }) => `${workflow.path}, job ${job.id}`))].join('; ');
  return [
    missing(
      asked,
      `${places}: the token of a job can never read teams`,
      'give these steps the token of a GitHub App with the organization permission Members: read; or name people or role:… instead',
    ),
  ];
}
