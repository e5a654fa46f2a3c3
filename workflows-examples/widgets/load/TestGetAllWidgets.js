import { check, sleep } from 'k6';
import http from 'k6/http';

export const options = {
  vus: Number(__ENV.VUS || 5),
  duration: __ENV.DURATION || '10s',
  thresholds: {
    http_req_failed: ['rate<0.01'],
    http_req_duration: ['p(95)<500'],
  },
};

export default function () {
  const response = http.get(`${__ENV.BASE_URL}/widgets`);
  check(response, {
    'answers 200': (r) => r.status === 200,
    'lists widgets': (r) => r.status === 200 && r.json().length > 0,
  });
  sleep(0.1);
}
