/** What the shell can do besides the stages; each is loaded when it is called. */
import { INIT_HELP } from './init/answers.ts';
import type { TerminalLog } from './terminal.ts';

interface CommandSpec {
  title: string;
  help: string;
  load(): Promise<{ run(options: string[], log: TerminalLog, home: string): Promise<number> }>;
}

export const COMMANDS = {
  demo: {
    title: 'Delivers a sample shop on this machine, watches it, and takes a bad version back.',
    help: 'changeline demo\n\nTakes about 45 seconds and no options. Nothing leaves this machine; it writes below .changeline/demo only.',
    load: () => import('./demo/demo.ts'),
  },
  doctor: {
    title: "Says what is missing in the repository's rules for the gate and the approvals to hold. Changes nothing.",
    help: 'changeline doctor [--environment <name>] [--config <path>]\n\nReads rules, environments and the workflows of the default branch from GitHub, with the token in CHANGELINE_TOKEN or\nGITHUB_TOKEN. What the token cannot see is said to be unknown, with the way to know. Exit code 1 where something is\nmissing.',
    load: () => import('./doctor/doctor.ts'),
  },
  drill: {
    title: 'Shows on recorded data that the watch would fire on a known harm, and when. Changes nothing.',
    help: 'changeline drill [--environment <name>] [--harm <x3 or -60%>]\n\nReads unharmed traffic of the last days from the sources of the watch section, puts a harm into it, and lets the\njudge watch. A critical metric that would have slept through it fails the drill. It takes every option of `changeline\nwatch`, which it is with --drill.',
    load: () => import('./drill.ts'),
  },
  init: {
    title: 'Writes changeline.yml, the workflows you choose, and the fingerprints of your hosts.',
    help: INIT_HELP,
    load: () => import('./init/init.ts'),
  },
  plan: {
    title: 'Says everything a delivery would do and could not judge. Changes nothing.',
    help: 'changeline plan --version <version> [--environment <name>]\n\nAsks hosts, databases and sources as a delivery would, changes nothing, and takes every option of `changeline\ndeliver`, which it is with --plan.',
    load: () => import('./plan.ts'),
  },
  status: {
    title: 'Says what is live, open and frozen, and what waits for an approval or a post-mortem.',
    help: 'changeline status [--environment <name>] [--config <path>]\n\nWithout --environment it tells of every one. It needs the ledger alone: no hosts and no secrets of theirs.',
    load: () => import('./status.ts'),
  },
  unlock: {
    title: 'Ends a change whose run no longer lives: puts it back, or finishes it where it was committed.',
    help: 'changeline unlock --environment <name> --why "<reason>" [--config <path>]\n\nFor a change whose run is known to be dead where Changeline cannot know it. The reason goes to the ledger.\nThe key for the hosts is given as CHANGELINE_SSH_KEY.',
    load: () => import('./unlock.ts'),
  },
} as const satisfies Record<string, CommandSpec>;

export type Command = keyof typeof COMMANDS;
