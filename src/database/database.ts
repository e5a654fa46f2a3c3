/** Databases of every engine behind one interface: the noun's public face. */
export { difference } from './canonical.ts';
export { checkThrowaway, openDatabase, throwaway } from './open.ts';
export type {
  Database,
  DumpFacts,
  Engine,
  Executed,
  Fingerprint,
  Mutex,
  OpenOptions,
  Parameter,
  Row,
  Runner,
  Session,
  Throwaway,
  Traits,
  Tunnel,
} from './types.ts';
