/** The failures of sources, in one wording. */
import type { MetricSection } from '../config/config.ts';
import { Failure } from '../outcome/outcome.ts';
import { redact } from '../secret/secret.ts';

/** A source that answers wrongly, or cannot be asked. `where` holds no password. */
export function metricError(
  metric: MetricSection,
  where: string,
  why: string,
  next = 'correct the metric in changeline.yml, or see why its source answers so',
): Failure {
  return new Failure({
    code: 'metric-error',
    what: `the metric "${metric.name}" cannot be read`,
    where: redact(where),
    why: redact(why).replaceAll(/\s+/g, ' ').slice(0, 300),
    next,
  });
}

/** A metric whose section cannot be meant as it stands. */
export function metricInvalid(metric: MetricSection, what: string, next: string): Failure {
  return new Failure({
    code: 'config-invalid',
    what,
    where: `watch.metrics: ${metric.name}`,
    untouched: 'nothing was changed',
    next,
  });
}
