export { systemClock } from './clock.js';
export { isErrno } from './errno.js';
export { lockState, type Lock } from './lock.js';
export { lives, startOf } from './processes.js';
