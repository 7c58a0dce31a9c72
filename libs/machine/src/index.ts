export { stayAwake, systemClock } from './clock.js';
export { isErrno } from './errno.js';
export { lockState, type Lock } from './lock.js';
export { Prompt, type Input } from './prompt.js';
export { lives, startOf } from './processes.js';
