/** The demo's customers, in a thread of their own: what the delivery computes must not keep them from ordering. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** What the customers met. */
export interface Counts {
  /** Orders that the shop answered with 201. */
  acknowledged: number;
}

/** Customers at work. */
export interface Customers {
  /** Lets them end what they have begun. */
  stop(): Promise<Counts>;
  /** Ends them at once. */
  end(): Promise<void>;
}

/** Sends customers to the shop's hosts. `module` is the path of workflows-examples/widgets/customers.js. */
export function sendCustomers(module: string, options: { baseUrls: string[]; ordersPerSecond: number }): Customers {
  const worker = new Worker(module, { workerData: options });
  return {
    stop: async () => {
      worker.postMessage('stop');
      const [counts] = (await once(worker, 'message')) as [Counts];
      return counts;
    },
    end: async () => void (await worker.terminate()),
  };
}
