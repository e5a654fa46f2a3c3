/** The HTTP API: which answer belongs to which request. An answer is { status, json } or { status, text }. */
import { version } from './place.js';

const MAX_BODY = 10_000;

/** An answer that the client is to blame for. */
class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** @returns {(request: import('node:http').IncomingMessage) => Promise<object>} */
export function openRoutes({ database, widgets, orders, metrics }) {
  const alive = database.prepare('SELECT count(*) FROM (SELECT 1 FROM orders LIMIT 1)');
  const routes = {
    'GET /widgets': () => ({ status: 200, json: widgets.list() }),
    'POST /widgets': async (request) => {
      if (!widgets.add) throw new Refusal(405, `version ${version} cannot add widgets`);
      const { name, price } = await body(request);
      if (typeof name !== 'string' || !/^[\w -]{1,60}$/.test(name))
        throw new Refusal(400, 'name: 1 to 60 letters, digits, - and _');
      if (!Number.isFinite(price) || price < 0.01 || price > 1e6) throw new Refusal(400, 'price: 0.01 to 1000000');
      if (!widgets.add(name, price)) throw new Refusal(409, `there is a widget ${name} already`);
      return { status: 201, json: { name, price } };
    },
    'GET /orders': () => ({ status: 200, json: orders.list() }),
    'POST /orders': async (request) => {
      const { widget: name, quantity } = await body(request);
      if (!Number.isInteger(quantity) || quantity < 1 || quantity > 1000) throw new Refusal(400, 'quantity: 1 to 1000');
      const widget = widgets.find(name);
      if (!widget) throw new Refusal(404, 'there is no such widget');
      const order = orders.place(widget, quantity);
      metrics.ordered(order.price);
      return { status: 201, json: order };
    },
    'GET /health': () => {
      alive.get();
      return { status: 200, json: { status: 'ok' } };
    },
    'GET /version': () => ({ status: 200, json: { version } }),
    'GET /metrics': () => ({ status: 200, text: metrics.text() }),
    'GET /stats': () => ({ status: 200, json: { users: metrics.users() } }),
  };
  return async (request) => {
    const { pathname } = new URL(request.url, 'http://shop');
    const route = routes[`${request.method} ${pathname}`];
    if (!route) return { status: 404, json: { error: 'not found' } };
    try {
      return await route(request);
    } catch (error) {
      if (error instanceof Refusal) return { status: error.status, json: { error: error.message } };
      throw error;
    }
  };
}

/** The JSON object that a request carries. */
async function body(request) {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk;
    if (text.length > MAX_BODY) throw new Refusal(413, 'the body is too long');
  }
  try {
    const value = JSON.parse(text);
    if (value !== null && typeof value === 'object') return value;
  } catch {}
  throw new Refusal(400, 'the body must be a JSON object');
}
