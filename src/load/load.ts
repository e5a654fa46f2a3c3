/** Load tests with k6: where k6 comes from, how a script is run, and what its result means. The noun's public face. */
export { canRecord, refuseArguments } from './command.ts';
export { loadDigest } from './identity.ts';
export { findK6, type K6, obtainK6, PINNED_K6 } from './k6.ts';
export { coarser, type Series } from './recording.ts';
export { type Inspected, inspectScript, runScript } from './run.ts';
export { findScripts, type Script } from './scripts.ts';
export { type Shape, tickFor } from './shape.ts';
export type { ScriptResult } from './verdict.ts';
export { doubtOf, factsOf, remarksOn, resultInMarkdown, resultInWords } from './words.ts';
