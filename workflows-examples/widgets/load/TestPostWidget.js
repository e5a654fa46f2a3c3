import { check, sleep } from 'k6';
import exec from 'k6/execution';
import http from 'k6/http';

export const options = {
  vus: Number(__ENV.VUS || 5),
  duration: __ENV.DURATION || '10s',
  thresholds: {
    http_req_failed: ['rate<0.01'],
    http_req_duration: ['p(95)<500'],
  },
};

const run = Date.now().toString(36);

export default function () {
  const name = `load-${run}-${exec.vu.idInTest}-${exec.vu.iterationInInstance}`;
  const response = http.post(`${__ENV.BASE_URL}/widgets`, JSON.stringify({ name, price: 9.99 }), {
    headers: { 'content-type': 'application/json' },
  });
  check(response, { 'answers 201': (r) => r.status === 201 });
  sleep(0.1);
}
