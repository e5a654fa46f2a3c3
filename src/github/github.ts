/** GitHub as far as Changeline needs it: one repository, seen with one token. The noun's public face. */
export { type GitHub, openGitHub } from './client.ts';
export { type Published, publishDeployment, publishDeploymentState } from './deployments.ts';
export { type Runner, runnerFrom } from './event.ts';
export { checkTeams, type Standing, sameName, standing } from './people.ts';
export { repositoryOfCheckout } from './remote.ts';
export { runIsAlive } from './runs.ts';
