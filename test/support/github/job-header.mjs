/**
 * Loaded before an action (NODE_OPTIONS=--import=…) where several jobs share one token: names the job in every
 * request to the stand-in, which then enforces that job's permissions.
 */
import { subscribe } from 'node:diagnostics_channel';

const { GITHUB_API_URL, GITHUB_JOB, GITHUB_WORKFLOW } = process.env;
const job = encodeURIComponent(`${GITHUB_WORKFLOW ?? ''}/${GITHUB_JOB ?? ''}`);
const api = GITHUB_API_URL ? new URL(GITHUB_API_URL) : null;

// fetch, Node's own and the one that a bundle carries.
subscribe('undici:request:create', ({ request }) => {
  if (api && String(request.origin) === api.origin) request.addHeader('x-changeline-job', job);
});

subscribe('http.client.request.created', ({ request }) => {
  if (api && request.getHeader('host') === api.host) request.setHeader('x-changeline-job', job);
});
