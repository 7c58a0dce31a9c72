import { Fault } from '@consilium/stdx';
import type { Coordinator } from '../api/coordinator.js';

export async function newestRun(coordinator: Pick<Coordinator, 'runs'>): Promise<string> {
  const [newest] = (await coordinator.runs()).sort((a, b) => b.createdMs - a.createdMs);
  if (!newest) throw new Fault('NOT_FOUND', { expected: 'a run' });
  return newest.id;
}
