/** The forms of single values in changeline.yml. */
import { z } from 'zod';
import { milliseconds } from '../duration/duration.ts';

export const duration = z
  .string()
  .refine((text) => milliseconds(text) !== null, 'a length of time such as 30s, 5m, 24h or 7d')
  .meta({ description: 'A length of time: 500ms, 30s, 5m, 24h, 7d', examples: ['5m'] });
/** For what ends after it: a length of nothing would end before it began. */
export const lasting = duration.refine((text) => milliseconds(text) !== 0, 'longer than nothing, such as 24h');
export const percent = z.string().regex(/^\d{1,3}%$/, 'a share such as 75%');
export const text = z.string().min(1, 'a text that is not empty');
export const address = z
  .string()
  .regex(
    /^(\.{0,2}\/\S*|([\w.-]+@)?(\[[0-9a-fA-F:]+\]|[\w.-]+)(:\d{1,5})?)$/,
    'user@host, user@host:port, or a directory that starts with ./ or /',
  );
