/** Where numbers come from: Prometheus, SQL, HTTP, logs, commands. The noun's public face. */
import type { MetricSection } from '../config/config.ts';
import { openCommand, openLog } from './commands.ts';
import { openHttp } from './http.ts';
import { openPrometheus } from './prometheus.ts';
import { openSql } from './sql.ts';
import type { Source, SourceContext } from './types.ts';

export { hostOfLabel } from './host-names.ts';
export { isLoopback } from './http.ts';
export type { Past, Sample, Source, SourceContext, Span } from './types.ts';

/**
 * Opens a metric's source. Throws `config-invalid` for a section that cannot be meant. Prometheus and SQL are asked here
 * already, and throw as `sample` does, or `metric-missing`; the others are asked when they are sampled.
 */
export async function openSource(metric: MetricSection, context: SourceContext): Promise<Source> {
  if (metric.prometheus !== undefined) return openPrometheus(metric, context);
  if (metric.sql !== undefined) return openSql(metric, context);
  if (metric.http !== undefined) return openHttp(metric, context);
  return metric.log !== undefined ? openLog(metric, context) : openCommand(metric, context);
}
