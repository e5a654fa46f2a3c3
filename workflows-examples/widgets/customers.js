/** Customers of the shop: they look at the widgets and order some, at a steady pace, until they are told to stop. */
import { Agent, request } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';

/** So many visits at most are under way at once; a customer who comes later turns round and counts as failed. */
const AT_ONCE = 100;
const PATIENCE = 5000;
const CUSTOMERS = 200;

/**
 * Sends customers. Visits begin at random times (a Poisson process) and go to a host at random; where a host refuses
 * the connection the next one is asked, as a load balancer would. The same seed gives the same visits. What they met
 * stands in `counts`, which is live; `done` fulfils with it after the last visit.
 */
export function start({ baseUrls, ordersPerSecond, signal, seed = 1 }) {
  const random = generator(seed);
  const counts = { placed: 0, acknowledged: 0, failed: 0, revenue: 0 };
  const agent = new Agent({ keepAlive: false });
  const visits = new Set();

  async function visit() {
    const customer = `customer-${Math.floor(random() * CUSTOMERS)}`;
    const first = Math.floor(random() * baseUrls.length);
    const [pick, quantity] = [random(), 1 + Math.floor(random() * 3)];
    const call = { hosts: [...baseUrls.slice(first), ...baseUrls.slice(0, first)], customer, agent };
    const widgets = await ask(call, 'GET', '/widgets');
    const widget = widgets.json[Math.floor(pick * widgets.json.length)].name;
    counts.placed += 1;
    const order = await ask(call, 'POST', '/orders', { widget, quantity });
    if (order.status !== 201) throw new Error(`status ${order.status}`);
    counts.acknowledged += 1;
    counts.revenue = Math.round((counts.revenue + order.json.price) * 100) / 100;
  }

  function arrive() {
    if (visits.size >= AT_ONCE) {
      counts.failed += 1;
      return;
    }
    const one = visit()
      .catch(() => {
        counts.failed += 1;
      })
      .finally(() => visits.delete(one));
    visits.add(one);
  }

  const done = (async () => {
    let next = performance.now();
    while (!signal.aborted) {
      next += (-Math.log(1 - random()) / ordersPerSecond) * 1000;
      await pause(next - performance.now(), signal);
      if (!signal.aborted) arrive();
    }
    await Promise.all(visits);
    return counts;
  })();
  return { counts, done };
}

/** Asks the hosts in turn until one takes the connection. */
async function ask({ hosts, customer, agent }, method, path, body) {
  for (const [index, host] of hosts.entries()) {
    try {
      return await send(new URL(path, host), { method, agent, headers: { 'x-customer': customer } }, body);
    } catch (error) {
      if (error.code !== 'ECONNREFUSED' || index === hosts.length - 1) throw error;
    }
  }
  throw new Error('the shop has no host');
}

function send(url, options, body) {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { ...options, timeout: PATIENCE }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => (text += chunk));
      response.on('error', reject);
      response.on('end', () => {
        try {
          resolve({ status: response.statusCode, json: JSON.parse(text) });
        } catch (error) {
          reject(error);
        }
      });
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')));
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, Math.max(0, ms));
    signal.addEventListener('abort', end, { once: true });
  });
}

/** Seeded random numbers in [0, 1): mulberry32, by Tommy Ettinger (public domain). */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

// As a worker thread, whose data are the options: any message tells them to stop, and the counts are the answer.
if (parentPort && workerData?.baseUrls) {
  const leaving = new AbortController();
  const { done } = start({ ...workerData, signal: leaving.signal });
  parentPort.once('message', async () => {
    leaving.abort();
    parentPort.postMessage(await done);
  });
}
