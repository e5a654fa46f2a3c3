/**
 * A mutex of a MySQL or MariaDB database: GET_LOCK, which the server releases when its connection ends. The server must
 * also notice a holder that is gone without a word: it drops a connection that was silent for a while, and a living
 * holder is never silent for so long.
 */
import { createHash } from 'node:crypto';
import { Failure } from '../../outcome/outcome.ts';
import type { Mutex, Row } from '../types.ts';
import type { MysqlSession } from './session.ts';

/** The server drops a holder after this silence. A statement that runs is no silence. */
const SILENCE_S = 300;
const SIGN_OF_LIFE_MS = 60_000;

/** Takes the mutex at once, or throws `database-busy` with what the server tells of its holder. */
export async function takeMutex(session: MysqlSession, name: string): Promise<Mutex> {
  const { database, where } = session.way.address;
  // The names of GET_LOCK are the server's, so the database's name is part of ours.
  const key = `changeline-${createHash('sha256').update(`${database}\0${name}`).digest('hex').slice(0, 40)}`;
  const [row] = await session.query('SELECT GET_LOCK(?, 0) AS taken', [key]);
  if (Number(row?.taken) !== 1)
    throw new Failure({
      code: 'database-busy',
      what: `another connection holds ${name}`,
      where,
      why: await holder(session, key),
      untouched: 'nothing was changed',
      next: `wait until it has ended; the lock ends with its connection, which the server drops after ${SILENCE_S} s of silence`,
    });
  await session.query(`SET SESSION wait_timeout = ${SILENCE_S}`);
  const life = setInterval(() => session.connection.ping().catch(() => {}), SIGN_OF_LIFE_MS);
  life.unref();
  session.connection.on('end', () => clearInterval(life));
  return {
    release: async () => {
      clearInterval(life);
      await session.query('SELECT RELEASE_LOCK(?)', [key]);
      await session.query('SET SESSION wait_timeout = DEFAULT');
    },
  };
}

/** Who holds it, as far as this login may see. */
async function holder(session: MysqlSession, key: string): Promise<string> {
  const [used] = await session.query('SELECT IS_USED_LOCK(?) AS id', [key]);
  if (!used?.id) return 'it let go just now';
  const [seen] = await session
    .query('SELECT user, host, command, time FROM information_schema.processlist WHERE id = ?', [Number(used.id)])
    .catch((): Row[] => []);
  const connection = `connection ${used.id} of the server`;
  if (!seen) return `${connection}; this login may not see whose it is`;
  const { user, host, command, time } = Object.fromEntries(
    Object.entries(seen).map(([column, value]) => [column.toLowerCase(), value]),
  );
  const doing = command === 'Sleep' ? `last heard of ${time} s ago` : `at work on a statement for ${time} s`;
  return `${connection}, of ${user} from ${host}, ${doing}`;
}
