/** Whether an error is the operating system's of one of these names, such as `ENOENT`. */
export const isErrno = (error: unknown, ...names: readonly string[]): boolean =>
  error instanceof Error && 'code' in error && names.includes(String(error.code));
