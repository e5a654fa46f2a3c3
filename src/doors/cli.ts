/** The shell's door: `changeline <verb> --name value`, the same stages as the actions. */
import { Failure, failureFrom, type Result } from '../outcome/outcome.ts';
import { VERBS, type Verb } from '../stages/contract.ts';
import type { Performed } from '../stages/frame/frame.ts';
import { COMMANDS, type Command } from './commands.ts';
import { help, helpFor } from './help.ts';
import { exitCode } from './lines.ts';
import { parseOptions } from './options.ts';
import { interruptible, runInShell } from './shell.ts';
import { TerminalLog } from './terminal.ts';

/**
 * Runs one command line (without `node` and the program) and returns the exit code. Never throws. `home` is the
 * folder of Changeline itself, which holds the example workflows.
 */
export async function cli(argv: readonly string[], home: string): Promise<number> {
  const [word = 'help', ...rest] = argv;
  const log = new TerminalLog(process.stdout, { verbose: rest.includes('--verbose'), env: process.env });
  const wantsHelp = rest.includes('--help') || rest.includes('-h');
  const options = rest.filter((option) => option !== '--verbose');
  try {
    if (word === 'help' || word === '--help' || word === '-h') return say(help());
    if (Object.hasOwn(COMMANDS, word)) {
      const command = COMMANDS[word as Command];
      return wantsHelp ? say(command.help) : await (await command.load()).run(options, log, home);
    }
    if (!(VERBS as string[]).includes(word)) throw unknownWord(word);
    return wantsHelp ? say(helpFor(word as Verb)) : await stage(word as Verb, options, log);
  } catch (thrown) {
    const failure = failureFrom(thrown);
    log.error(failure.message);
    return exitCode({ outcome: failure.outcome, code: failure.code, summary: '', facts: {} });
  }
}

/** One stage from its options to its exit code. */
export async function stage(verb: Verb, options: string[], log: TerminalLog, name: string = verb): Promise<number> {
  const interrupt = interruptible(log);
  try {
    const run = { log, signal: interrupt.signal, workspace: process.cwd() };
    const { performed, ending, last } = await runInShell(verb, parseOptions(verb, options), run);
    for (const line of planLines(performed.result.facts)) log.info(line);
    const said = performed.result.facts.plan ? 'plan' : name;
    log.stage({ ...performed, verb: said, result: withoutRepeating(performed) });
    if (ending) log.stage({ verb, result: ending, took: 0 });
    if (last.next && !last.summary.includes(last.next)) log.info(`Next: ${last.next}`);
    if (performed.result.outputs?.report) log.info(`Report: ${performed.result.outputs.report}`);
    return exitCode(last);
  } finally {
    interrupt.release();
  }
}

/** The line of a whole delivery without what the stage that stopped it has said in its own line. */
function withoutRepeating({ result, change }: Performed): Result {
  const said = change?.events.findLast(({ kind, stage }) => kind === 'stage' && stage === result.facts.stage)?.summary;
  return said ? { ...result, summary: result.summary.replace(`: ${said}`, '') } : result;
}

function planLines(facts: Record<string, unknown>): string[] {
  const plan = facts.plan as { stage: string; kind: 'will' | 'blind' | 'obstacle'; text: string }[] | undefined;
  const words = { will: 'will', blind: 'cannot judge', obstacle: 'in the way' };
  return (plan ?? []).map(({ stage, kind, text }) => `  ${stage.padEnd(10)} ${words[kind].padEnd(12)} ${text}`);
}

function say(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}

function unknownWord(word: string): Failure {
  return new Failure({
    code: 'input-unknown',
    what: `there is no command "${word}"`,
    why: `there are ${[...VERBS, ...Object.keys(COMMANDS)].join(', ')}`,
    untouched: 'nothing was changed',
    next: 'run `changeline help`',
  });
}
