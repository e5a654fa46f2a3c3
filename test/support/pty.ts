/** A program in a terminal of its own (a pty, by `script` of util-linux), so that keys and Ctrl-C reach it as a person's do. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';

export interface Terminal {
  /** All that the program has written so far. */
  readonly screen: string;
  /** Types text; `\r` is Enter, `\u0003` is Ctrl-C. */
  type(keys: string): void;
  /** Waits until the screen shows it; fails where the program ends before. */
  shows(text: string | RegExp): Promise<void>;
  /** The exit status. */
  readonly ended: Promise<number | null>;
}

/** Why there is no terminal here, or null. Under CI it must be there. */
export function terminalMissing(): string | null {
  try {
    if (execFileSync('script', ['--version'], { encoding: 'utf8' }).includes('util-linux')) return null;
  } catch {
    // said below
  }
  if (process.env.CI === 'true') throw new Error('script of util-linux is not installed');
  return 'script of util-linux is not installed';
}

/** Starts a command of a shell in a new terminal of 100 columns. */
export function openTerminal(command: string, options: { cwd: string; env: NodeJS.ProcessEnv }): Terminal {
  const child: ChildProcess = spawn('script', ['-qfec', `stty cols 100 rows 40; exec ${command}`, '/dev/null'], {
    ...options,
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  let screen = '';
  let over = false;
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    screen += text;
  });
  const ended = new Promise<number | null>((resolve) =>
    child.once('close', (status) => {
      over = true;
      resolve(status);
    }),
  );
  return {
    get screen() {
      return screen;
    },
    type: (keys) => void child.stdin!.write(keys),
    shows: async (text) => {
      const there = () => (typeof text === 'string' ? screen.includes(text) : text.test(screen));
      while (!there()) {
        if (over) throw new Error(`the program ended and never showed ${text}:\n${screen}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    ended,
  };
}
