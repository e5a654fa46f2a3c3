/** `changeline demo` (`npm start`): three versions of a sample shop go through the line; the third is taken back. */
import { dirname, join, relative, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { inWords, milliseconds } from '../../duration/duration.ts';
import { obtainK6, PINNED_K6 } from '../../load/load.ts';
import { Failure, failureFrom, goesOn, type Result } from '../../outcome/outcome.ts';
import { cacheDirectory } from '../../stages/frame/context.ts';
import { interruptible, runInShell, type ShellResult } from '../shell.ts';
import { QuietLog, type TerminalLog } from '../terminal.ts';
import { type Customers, sendCustomers } from './customers.ts';
import { countOrders, DEMO_FOLDER, layOutShop, SHORTENED, type Shop, stopShop, writeConfig } from './shop.ts';

/** Runs the demo. Ends by itself; Ctrl-C puts everything back first. */
export async function run(options: string[], log: TerminalLog, home: string): Promise<number> {
  if (options.length > 0) throw noOptions(options[0]!);
  const began = Date.now();
  // The shop's own processes need the Node that this one runs on.
  process.env.PATH = `${dirname(process.execPath)}:${process.env.PATH}`;
  const interrupt = interruptible(log);
  const leaving = new AbortController();
  const folder = resolve(DEMO_FOLDER);
  sayTitle(log);
  let shop: Shop | null = null;
  let demo: Demo | null = null;
  try {
    shop = await layOutShop(folder, home);
    demo = new Demo(shop, home, log, interrupt.signal, leaving.signal);
    const code = await demo.play();
    if (!interrupt.signal.aborted)
      log.info(`\nThe demo took ${inWords(Date.now() - began)}. Its shop was stopped; nothing runs any more.`);
    return code;
  } finally {
    leaving.abort();
    await demo?.end();
    if (shop) await stopShop(shop);
    if (interrupt.signal.aborted) log.info('The shop was stopped; nothing runs any more. `npm start` begins anew.');
    interrupt.release();
  }
}

function noOptions(option: string): Failure {
  return new Failure({
    code: 'input-unknown',
    what: `the demo has no option ${JSON.stringify(option)}`,
    untouched: 'nothing was started',
    next: 'run `npm start`, or `changeline demo`',
  });
}

function sayTitle(log: TerminalLog): void {
  log.info(log.paint('bold', 'Changeline demo: three versions of a sample shop are carried to production.'));
  log.info('');
  log.info('Production is three hosts (folders, with a process in each) and one database;');
  log.info('UAT is one host. Simulated customers place orders all the time. It takes about');
  log.info('45 seconds, nothing leaves this machine, and Ctrl-C is safe: what had begun is');
  log.info(`put back. A watch lasts ${SHORTENED.watch.replace('s', ' seconds')} here; in earnest it lasts minutes.`);
}

class Demo {
  readonly #shop: Shop;
  readonly #home: string;
  readonly #log: TerminalLog;
  readonly #signal: AbortSignal;
  readonly #leaving: AbortSignal;
  readonly #reports: string[] = [];
  #customers: Customers | null = null;

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
    this.#say(`${one}, the first version`);
    if (!(await this.#deliver('uat', one))) return this.#stopped();
    if (!(await this.#deliver('production', one, { from: 'migrate', until: 'smoke-test' }))) return this.#stopped();

    this.#customers = sendCustomers(this.#shop.customers, {
      baseUrls: this.#shop.hosts.map(({ port }) => `http://127.0.0.1:${port}`),
      ordersPerSecond: SHORTENED.ordersPerSecond,
    });
    const opened = Date.now();
    await writeConfig(this.#shop, this.#home, await this.#k6Or(k6));
    this.#say(`${two}, a good version with a migration`);
    if (!(await this.#deliver('uat', two))) return this.#stopped();
    await this.#letThemOrder(opened);
    if (!(await this.#deliver('production', two))) return this.#stopped();

    this.#say(`${three}, which answers every health check but loses orders`);
    if (!(await this.#deliver('uat', three))) return this.#stopped();
    const result = await this.#run('production', three, {});
    if (this.#signal.aborted) return 1;
    return this.#sayEnd(result, this.#customers);
  }

  /** Until there is something to compare with: the plan refuses a watch that could see nothing, on a fast machine too. */
  async #letThemOrder(since: number): Promise<void> {
    this.#log.progress('letting customers order for a moment, so that the watch has something to compare with');
    const left = since + milliseconds(SHORTENED.orderingBefore)! - Date.now();
    // Aborted, the next delivery says so.
    await pause(Math.max(0, left), undefined, { signal: this.#signal }).catch(() => {});
    this.#log.progress(null);
  }

  /** Sends the customers home. */
  async end(): Promise<void> {
    await this.#customers?.end();
  }

  async #deliver(environment: string, version: string, part: Record<string, string> = {}): Promise<boolean> {
    if (this.#signal.aborted) return false;
    const { last } = await this.#run(
      environment,
      version,
      environment === 'uat' ? { from: 'migrate', until: 'smoke-test' } : part,
    );
    return goesOn(last.outcome) && !this.#signal.aborted;
  }

  async #run(environment: string, version: string, part: Record<string, string>): Promise<ShellResult> {
    this.#log.info(`to ${environment}`);
    const given = { environment, version, ...part };
    const result = await runInShell('deliver', given, {
      log: new QuietLog(this.#log),
      signal: this.#signal,
      workspace: this.#shop.folder,
    });
    this.#sayResult(result);
    return result;
  }

  #sayResult({ performed, ending, last }: ShellResult): void {
    const report = performed.result.outputs?.report;
    if (report) this.#reports.push(String(report));
    if (ending) this.#log.stage({ verb: ending.code === 'rolled-back' ? 'turn back' : 'end', result: ending, took: 0 });
    if (!goesOn(last.outcome) && !this.#wasTakenBack(performed.result)) this.#log.warn(last.summary);
  }

  /** The bad version's end: its stages have told it all, and the previous version is live again. */
  #wasTakenBack({ code, outputs }: Result): boolean {
    return (
      (code === 'metric-worse' || code === 'metric-unsure') && outputs?.['live-version'] === this.#shop.versions[1]
    );
  }

  async #sayEnd({ performed: { result } }: ShellResult, customers: Customers): Promise<number> {
    // The demo is well when the bad version was taken back for what it did.
    if (!this.#wasTakenBack(result)) return this.#stopped();
    const [, good, bad] = this.#shop.versions;
    const { acknowledged } = await customers.stop();
    const kept = countOrders(this.#shop);
    this.#say(`${bad} was taken back by itself: ${good} is live again and verified.`);
    this.#log.info(`Customers were promised ${acknowledged} orders and the shop kept ${kept} of them:`);
    this.#log.info(`${acknowledged - kept} orders were lost in the seconds that ${bad} was live.`);
    for (const line of nextLines(this.#shop.folder, this.#home, this.#reports.at(-1))) this.#log.info(line);
    return 0;
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
      log: new QuietLog(this.#log),
      signal: AbortSignal.any([this.#signal, this.#leaving]),
    });
    return fetched.then(
      () => null,
      (thrown) => failureFrom(thrown).message,
    );
  }

  async #k6Or(fetching: Promise<string | null>): Promise<boolean> {
    this.#log.progress(`waiting for k6 ${PINNED_K6}`);
    const failed = await fetching;
    this.#log.progress(null);
    if (failed && !this.#signal.aborted) this.#log.warn(`the load test is left out: ${failed}`);
    return failed === null;
  }
}

function nextLines(folder: string, home: string, report: string | undefined): string[] {
  const here = relative(process.cwd(), folder);
  const changeline = join(relative(folder, home) || '.', 'bin/changeline.js');
  const papers = report ? relative(process.cwd(), dirname(report)) : null;
  return [
    ...(papers
      ? ['', 'The report, and the draft of its post-mortem:', `  ${papers}/report.html`, `  ${papers}/postmortem.md`]
      : []),
    '',
    'Next: see what the ledger says now,',
    `  (cd ${here} && node ${changeline} status)`,
    'or begin with a repository of your own, in its folder:',
    `  node ${join(home, 'bin/changeline.js')} init`,
  ];
}
