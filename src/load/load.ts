/** Load tests with k6: where k6 comes from, how a script is run, and what its result means. The noun's public face. */
export { refuseArguments } from './command.ts';
export { findK6, type K6, obtainK6, PINNED_K6 } from './k6.ts';
export { inspectScript, runScript } from './run.ts';
export { findScripts, type Script } from './scripts.ts';
export type { ScriptResult } from './verdict.ts';
export { factsOf, remarksOn, resultInMarkdown, resultInWords } from './words.ts';
