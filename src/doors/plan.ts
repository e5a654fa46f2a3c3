/** `changeline plan`: a delivery that only says what it would do. */
import { stage } from './cli.ts';
import type { TerminalLog } from './terminal.ts';

/** Runs deliver with `plan: true`. */
export function run(options: string[], log: TerminalLog): Promise<number> {
  return stage('deliver', [...options, '--plan', 'true'], log);
}
