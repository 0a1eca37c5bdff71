/** What went wrong, for programs. The message says what to do. */
export type FrameRingErrorCode =
  | 'insecure-context'
  | 'no-storage'
  | 'quota'
  | 'worker-blocked'
  | 'websocket-failed'
  | 'no-patched-browser'
  | 'no-capture'
  | 'too-many-tracks'
  | 'bad-argument'
  | 'closed'
  | 'failed';

/** The only error that this library throws and rejects with. */
export class FrameRingError extends Error {
  readonly code: FrameRingErrorCode;

  constructor(code: FrameRingErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'FrameRingError';
    this.code = code;
  }

  /** `why` itself if it is one of ours, else it wrapped with `code`. */
  static from(why: unknown, code: FrameRingErrorCode, what: string): FrameRingError {
    return why instanceof FrameRingError ? why : new FrameRingError(code, `${what}: ${text(why)}`, { cause: why });
  }
}

function text(why: unknown): string {
  return why instanceof Error || why instanceof DOMException ? `${why.name}: ${why.message}` : String(why);
}
