/** The shop's process: serves until it is told to stop, then ends what it has begun. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { openDatabase } from './database.js';
import { openMetrics } from './metrics.js';
import { openOrders } from './orders.js';
import { pidFile, settings, version } from './place.js';
import { openRoutes } from './routes.js';
import { openWidgets, TABLES } from './widgets.js';

/** A request that takes longer than this after the shop was told to stop is cut off. */
const LAST_REQUESTS = 5000;

process.on('uncaughtException', (error) => {
  log('ERROR', error.message);
  process.exit(1);
});

const { host, port, database: file } = settings();
const database = openDatabase(file, TABLES);
const metrics = openMetrics();
const orders = openOrders(database);
const answer = openRoutes({ database, widgets: openWidgets(database), orders, metrics });

const server = createServer(async (request, response) => {
  metrics.saw(request.headers['x-customer'] ?? request.socket.remoteAddress);
  let result;
  try {
    result = await answer(request);
  } catch (error) {
    log('ERROR', `${request.method} ${request.url}: ${error.message}`);
    result = { status: 500, json: { error: 'the shop failed' } };
  }
  metrics.answered(request.method, result.status);
  response.statusCode = result.status;
  response.setHeader('content-type', result.text === undefined ? 'application/json' : 'text/plain; version=0.0.4');
  if (stopping) response.setHeader('connection', 'close');
  response.end(result.text ?? JSON.stringify(result.json));
});

let stopping = false;
function stop() {
  if (stopping) return;
  stopping = true;
  log('INFO', `stopping ${version}`);
  setTimeout(() => server.closeAllConnections(), LAST_REQUESTS).unref();
  server.close(() => {
    orders.close();
    database.close();
    if (existsSync(pidFile) && readFileSync(pidFile, 'utf8').trim() === String(process.pid)) rmSync(pidFile);
    log('INFO', `stopped ${version}`);
  });
}

/** @param {'INFO' | 'ERROR'} level */
function log(level, line) {
  process.stdout.write(`${new Date().toISOString()} ${level} ${line.replaceAll(/[\r\n]+/g, ' ')}\n`);
}

process.on('SIGTERM', stop);
process.on('SIGINT', stop);
server.on('error', (error) => {
  log('ERROR', `cannot listen on ${host}:${port}: ${error.code}`);
  process.exitCode = 1;
  database.close();
});
server.listen(port, host, () => {
  writeFileSync(pidFile, `${process.pid}\n`);
  log('INFO', `serving ${version} on ${host}:${port}`);
});
