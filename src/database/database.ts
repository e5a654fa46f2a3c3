/** Databases of every engine behind one interface: the noun's public face. */
export { type DumpEnd, dumpEnd, readDump } from './archive.ts';
export { difference } from './canonical.ts';
export { compareContents } from './contents.ts';
export {
  checkThrowaway,
  isFenced,
  liftFence,
  openDatabase,
  type ReplacementOptions,
  replacement,
  throwaway,
  throwawayRoom,
} from './open.ts';
export { Sink } from './output.ts';
export { type Blame, blameOf, queryReadOnly } from './read-only.ts';
export type {
  Beside,
  Contents,
  Database,
  DumpFacts,
  Engine,
  Executed,
  Fence,
  Fingerprint,
  Mutex,
  Observed,
  Observer,
  OpenOptions,
  Parameter,
  Replacement,
  Row,
  Runner,
  Session,
  Swapped,
  Throwaway,
  ThrowawayPlace,
  Traits,
  Tunnel,
} from './types.ts';
