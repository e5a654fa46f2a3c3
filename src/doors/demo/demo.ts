/** `changeline demo` (`npm start`): three versions of a sample shop go through the line; the third is taken back. */
import { dirname, join, relative, resolve } from 'node:path';
import { inWords } from '../../duration/duration.ts';
import { obtainK6, PINNED_K6 } from '../../load/load.ts';
import { failureFrom, goesOn } from '../../outcome/outcome.ts';
import { cacheDirectory } from '../../stages/context.ts';
import { interruptible, runInShell, type ShellResult } from '../shell.ts';
import { QuietLog, type TerminalLog } from '../terminal.ts';
import { countOrders, DEMO_FOLDER, layOutShop, SHORTENED, type Shop, stopShop, writeConfig } from './shop.ts';

interface Customers {
  counts: { placed: number; acknowledged: number; failed: number; revenue: number };
  done: Promise<unknown>;
}

/** Runs the demo. Ends by itself; Ctrl-C puts everything back first. */
export async function run(_options: string[], log: TerminalLog, home: string): Promise<number> {
  const began = Date.now();
  // The shop's own processes need the Node that this one runs on.
  process.env.PATH = `${dirname(process.execPath)}:${process.env.PATH}`;
  const interrupt = interruptible(log);
  const leaving = new AbortController();
  const folder = resolve(DEMO_FOLDER);
  sayTitle(log);
  let shop: Shop | null = null;
  try {
    shop = await layOutShop(folder, home);
    const demo = new Demo(shop, home, log, interrupt.signal, leaving.signal);
    const code = await demo.play();
    log.info(`The demo took ${inWords(Date.now() - began)}.`);
    return code;
  } finally {
    leaving.abort();
    if (shop) await stopShop(shop);
    if (interrupt.signal.aborted) log.info('Everything was put back and stopped; nothing runs any more.');
    interrupt.release();
  }
}

function sayTitle(log: TerminalLog): void {
  log.info(log.paint('bold', 'Changeline demo: a sample shop is delivered three times, on this machine only.'));
  log.info('Three hosts (directories with a process each), one SQLite database, simulated customers. Nothing leaves this');
  log.info(`machine, and Ctrl-C is safe: what had begun is put back. Watches are shortened: ${SHORTENED.watch} here, minutes in production.`);
  log.info('');
}

class Demo {
  readonly #shop: Shop;
  readonly #home: string;
  readonly #log: TerminalLog;
  readonly #signal: AbortSignal;
  readonly #leaving: AbortSignal;
  readonly #reports: string[] = [];

  constructor(shop: Shop, home: string, log: TerminalLog, signal: AbortSignal, leaving: AbortSignal) {
    this.#shop = shop;
    this.#home = home;
    this.#log = log;
    this.#signal = signal;
    this.#leaving = leaving;
  }

  async play(): Promise<number> {
    const [one, two, three] = this.#shop.versions as [string, string, string];
    const k6 = this.#fetchK6();
    await writeConfig(this.#shop, this.#home, false);
    this.#say(`${one}: the first version goes live`);
    if (!(await this.#deliver('uat', one))) return this.#stopped();
    if (!(await this.#deliver('production', one, { from: 'migrate', until: 'smoke-test' }))) return this.#stopped();

    const customers = await this.#openForCustomers();
    await writeConfig(this.#shop, this.#home, await this.#k6Or(k6));
    this.#say(`${two}: a good version with a migration, through the whole line`);
    if (!(await this.#deliver('uat', two))) return this.#stopped();
    if (!(await this.#deliver('production', two))) return this.#stopped();

    this.#say(`${three}: answers every health check, but loses orders`);
    if (!(await this.#deliver('uat', three))) return this.#stopped();
    const result = await this.#run('production', three, {});
    if (this.#signal.aborted) return 1;
    return this.#sayEnd(result, customers);
  }

  async #deliver(environment: string, version: string, part: Record<string, string> = {}): Promise<boolean> {
    if (this.#signal.aborted) return false;
    const { last } = await this.#run(environment, version, environment === 'uat' ? { from: 'migrate', until: 'smoke-test' } : part);
    return goesOn(last.outcome) && !this.#signal.aborted;
  }

  async #run(environment: string, version: string, part: Record<string, string>): Promise<ShellResult> {
    this.#log.info(headingOf(environment, version));
    const given = { environment, version, ...part };
    const result = await runInShell('deliver', given, { log: new QuietLog(this.#log), signal: this.#signal, workspace: this.#shop.folder });
    this.#sayResult(result);
    return result;
  }

  #sayResult({ performed, ending, last }: ShellResult): void {
    const report = performed.result.outputs?.report;
    if (report) this.#reports.push(String(report));
    if (ending) this.#log.stage({ verb: 'turn back', result: ending, took: 0 });
    const say = goesOn(last.outcome) ? this.#log.info.bind(this.#log) : this.#log.warn.bind(this.#log);
    say(`  ${last.summary}`);
  }

  #sayEnd({ last }: ShellResult, customers: Customers): number {
    const { acknowledged } = customers.counts;
    const kept = countOrders(this.#shop);
    this.#log.info('');
    this.#log.info(`Customers were promised ${acknowledged} orders in all; the shop kept ${kept}: ${acknowledged - kept} were lost while ${this.#shop.versions[2]} was live.`);
    for (const line of nextLines(this.#shop.folder, this.#home, this.#reports.at(-1))) this.#log.info(line);
    // The demo is well when the bad version was taken back for what it did.
    return last.code === 'metric-worse' ? 0 : 1;
  }

  #stopped(): number {
    if (!this.#signal.aborted) this.#log.error('the demo did not get to its end; the lines above say why');
    return 1;
  }

  #say(text: string): void {
    this.#log.info('');
    this.#log.info(this.#log.paint('bold', text));
  }

  #fetchK6(): Promise<string | null> {
    const fetched = obtainK6({
      version: undefined,
      cache: cacheDirectory(process.env),
      apiUrl: 'https://api.github.com',
      token: '',
      log: this.#log,
      signal: AbortSignal.any([this.#signal, this.#leaving]),
    });
    return fetched.then(() => null, (thrown) => failureFrom(thrown).message);
  }

  async #k6Or(fetching: Promise<string | null>): Promise<boolean> {
    this.#log.progress(`waiting for k6 ${PINNED_K6}`);
    const failed = await fetching;
    this.#log.progress(null);
    if (failed && !this.#signal.aborted) this.#log.warn(`the load test is left out: ${failed}`);
    return failed === null;
  }

  async #openForCustomers(): Promise<Customers> {
    const { start } = (await import(/* webpackIgnore: true */ this.#shop.customers)) as {
      start(options: object): Customers;
    };
    return start({
      baseUrls: this.#shop.hosts.map(({ port }) => `http://127.0.0.1:${port}`),
      ordersPerSecond: SHORTENED.ordersPerSecond,
      signal: this.#leaving,
    });
  }
}

function headingOf(environment: string, version: string): string {
  return `  ${version} to ${environment}`;
}

function nextLines(folder: string, home: string, report: string | undefined): string[] {
  const changeline = join(relative(folder, home) || '.', 'bin/changeline.js');
  return [
    '',
    ...(report ? [`Report:            ${report}`, `Post-mortem draft: ${join(dirname(report), 'postmortem.md')}`] : []),
    '',
    'Next, what the ledger says now:',
    `  cd ${relative(process.cwd(), folder)} && node ${changeline} status --environment production`,
    'and for your own repository, in its folder:',
    `  node ${join(home, 'bin/changeline.js')} init`,
  ];
}
