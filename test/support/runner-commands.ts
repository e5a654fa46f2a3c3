/** What the runner reads: workflow commands in the output, and the files that stand for them. Pure. */

/** An annotation as the runner shows it on the run's page. */
export interface Annotation {
  level: 'error' | 'warning' | 'notice';
  message: string;
  file: string | null;
  line: string | null;
  title: string | null;
}

/** Takes the workflow commands out of an output. */
export function readCommands(output: string): { lines: string[]; annotations: Annotation[]; masks: string[] } {
  const lines: string[] = [];
  const annotations: Annotation[] = [];
  const masks: string[] = [];
  let stopped: string | null = null;
  for (const line of output.split(/\r?\n/)) {
    const command = /^::([\w-]+)(?: ([^:]*))?::(.*)$/.exec(line.trimStart());
    if (stopped !== null) {
      if (line.trim() === `::${stopped}::`) stopped = null;
      else lines.push(line);
      continue;
    }
    const [, name, properties = '', message = ''] = command ?? [];
    if (name === 'stop-commands') stopped = message;
    else if (name === 'add-mask') masks.push(decoded(message));
    else if (name === 'error' || name === 'warning' || name === 'notice') {
      const given = propertiesOf(properties);
      const text = decoded(message);
      annotations.push({
        level: name,
        message: text,
        file: given.file ?? null,
        line: given.line ?? null,
        title: given.title ?? null,
      });
      lines.push(`${name[0]!.toUpperCase()}${name.slice(1)}: ${text}`);
    } else if (name === 'group') lines.push(decoded(message));
    else if (name === 'debug' || name === 'endgroup') continue;
    else lines.push(line);
  }
  return { lines, annotations, masks: masks.filter(Boolean) };
}

/** The text with each mask replaced, line by line of a mask as the runner does. */
export function applyMasks(text: string, masks: readonly string[]): string {
  const values = masks.flatMap((mask) => [mask, ...mask.split(/\r?\n/)]).filter((value) => value.length > 0);
  let masked = text;
  for (const value of values.toSorted((a, b) => b.length - a.length)) masked = masked.replaceAll(value, '***');
  return masked;
}

/** `name=value` and `name<<END` entries of GITHUB_OUTPUT and its like. Throws where the file has another form. */
export function readPairs(text: string): Record<string, string> {
  const pairs: Record<string, string> = {};
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!;
    if (line === '') continue;
    const block = /^([^=]+?)<<(.+)$/.exec(line);
    if (!block) {
      const equals = line.indexOf('=');
      if (equals < 1) throw new Error(`Invalid format '${line}'`);
      pairs[line.slice(0, equals)] = line.slice(equals + 1);
      continue;
    }
    const end = lines.indexOf(block[2]!, at + 1);
    if (end < 0) throw new Error(`Matching delimiter not found '${block[2]}'`);
    pairs[block[1]!] = lines.slice(at + 1, end).join('\n');
    at = end;
  }
  return pairs;
}

function propertiesOf(text: string): Record<string, string> {
  const pairs = text
    .split(',')
    .filter(Boolean)
    .map((pair) => pair.split(/=(.*)/s) as [string, string]);
  return Object.fromEntries(
    pairs.map(([name, value]) => [
      name.trim(),
      decoded(value ?? '')
        .replace(/%3A/g, ':')
        .replace(/%2C/g, ','),
    ]),
  );
}

function decoded(text: string): string {
  return text.replace(/%0D/g, '\r').replace(/%0A/g, '\n').replace(/%25/g, '%');
}
