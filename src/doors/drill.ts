/** `changeline drill`: a watch that only shows what it would see. */
import { stage } from './cli.ts';
import type { TerminalLog } from './terminal.ts';

/** Runs watch with `drill: true`. */
export function run(options: string[], log: TerminalLog): Promise<number> {
  return stage('watch', [...options, '--drill', 'true'], log, 'drill');
}
