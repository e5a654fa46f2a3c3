/** Teams of organisations, which the token of a job can never read. */
import { type AskedOrganisation, NOT_FOUND, type Routes, reads } from './route.ts';

const TEAM = '/orgs/{org}/teams/{team_slug}';

export const ORGANISATION_ROUTES: Routes<AskedOrganisation> = {
  [`GET ${TEAM}`]: reads('members', ({ organisation, path }) => {
    const team = organisation.teams.get(path.team_slug!);
    if (!team) return NOT_FOUND;
    const body = {
      id: team.id,
      slug: team.slug,
      name: team.slug,
      members_count: team.members.size,
      organization: { login: organisation.login },
    };
    return { status: 200, body };
  }),
  [`GET ${TEAM}/memberships/{username}`]: reads('members', ({ organisation, path, url }) => {
    const team = organisation.teams.get(path.team_slug!);
    const login = path.username!.toLowerCase();
    const state = [...(team?.members ?? [])].find(([one]) => one.toLowerCase() === login)?.[1];
    if (!team || !state) return NOT_FOUND;
    const own = `${url}/organizations/1/team/${team.id}/memberships/${encodeURIComponent(path.username!)}`;
    return { status: 200, body: { url: own, role: 'member', state } };
  }),
};
