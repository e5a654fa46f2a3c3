/** The bundle: `action` for the doors of the actions, `cli` for the shell. */
export { action } from './doors/action.ts';
export { cli } from './doors/cli.ts';
