/** What /metrics and /stats say. Counters are of this process and begin at 0. */

const PRESENT = 10_000;

export function openMetrics() {
  const requests = new Map();
  const lastSeen = new Map();
  let errors = 0;
  let orders = 0;
  let revenueCents = 0;

  /** Customers seen within the last ten seconds. */
  function users() {
    const since = Date.now() - PRESENT;
    for (const [customer, at] of lastSeen) if (at < since) lastSeen.delete(customer);
    return lastSeen.size;
  }

  return {
    users,
    saw: (customer) => void lastSeen.set(customer, Date.now()),
    answered(method, status) {
      const labels = `method="${method}",status="${status}"`;
      requests.set(labels, (requests.get(labels) ?? 0) + 1);
      if (status >= 500) errors += 1;
    },
    ordered(price) {
      orders += 1;
      revenueCents += Math.round(price * 100);
    },
    /** The Prometheus text form. */
    text() {
      const lines = [
        '# TYPE http_requests_total counter',
        ...[...requests].map(([labels, count]) => `http_requests_total{${labels}} ${count}`),
        '# TYPE http_errors_total counter',
        `http_errors_total ${errors}`,
        '# TYPE orders_total counter',
        `orders_total ${orders}`,
        '# TYPE order_revenue_total counter',
        `order_revenue_total ${revenueCents / 100}`,
        '# TYPE concurrent_users gauge',
        `concurrent_users ${users()}`,
      ];
      return `${lines.join('\n')}\n`;
    },
  };
}
