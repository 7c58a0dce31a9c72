export {
  HOSPITALS,
  TASK,
  type Hospital,
  type HospitalName,
  type Marker,
  type Scanner,
  type Storage,
} from './hospitals.js';
export { CLASSES, writePhantom, type PhantomOrder } from './phantom.js';
