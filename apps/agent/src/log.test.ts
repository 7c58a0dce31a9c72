import { Writable } from 'node:stream';
import { Fault } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { describeError, openLog } from './log.js';
import { memoryLog } from './twins.fixture.js';

const CANARY = 'CANARY^PATIENT^7F3A';

describe('the agent’s log', () => {
  it('writes run and round on every line of a round', () => {
    const { log, lines } = memoryLog();
    log.child({ run: 'run-0000000001', round: 3 }).info('training');
    expect(lines[0]).toMatchObject({ level: 'info', run: 'run-0000000001', round: 3, msg: 'training' });
  });

  it('never writes keys, tokens or the places of patients’ files, at any depth it logs at', () => {
    const { log, text } = memoryLog();
    log.info({ privateKey: CANARY, token: CANARY, folder: CANARY });
    log.info({ tls: { privateKey: CANARY }, settings: { coordinator: { pin: CANARY } } });
    log.info({ data: { folders: [CANARY], images: [CANARY] } });
    expect(text()).not.toContain('CANARY');
    expect(text().match(/\[redacted\]/g)).toHaveLength(7);
  });

  it('would show a canary in a field that is not redacted, so the test above can see one', () => {
    const { log, text } = memoryLog();
    log.info({ harmless: CANARY });
    expect(text()).toContain(CANARY);
  });

  it('writes of a foreign error its class and its place, and not its text, which may hold a patient’s name', () => {
    const { log, text, lines } = memoryLog();
    const parser = new RangeError(`Unsupported character set: ${CANARY}\n    at ${CANARY} (/x:1:1)`);
    log.error({ err: new Fault('DATA_NOT_AN_IMAGE', { line: 3 }, parser) }, 'no update');
    log.error({ err: parser });
    expect(text()).not.toContain('CANARY');
    expect(lines[0]).toMatchObject({
      err: { code: 'DATA_NOT_AN_IMAGE', facts: { line: 3 }, cause: { class: 'RangeError' } },
    });
    expect(JSON.stringify(lines[1])).toContain('log.test.ts');
  });

  it('names a system error’s number, which is a word of the system’s own', () => {
    expect(describeError(Object.assign(new Error(CANARY), { code: 'ENOENT' }))).toMatchObject({ errno: 'ENOENT' });
    expect(JSON.stringify(describeError(Object.assign(new Error('x'), { code: `E ${CANARY}` })))).not.toContain(
      'CANARY',
    );
    expect(JSON.stringify(describeError(CANARY))).not.toContain('CANARY');
  });

  it('speaks JSON unless a terminal looks', () => {
    const written = (format: 'auto' | 'json' | 'pretty', terminal: boolean): string => {
      let text = '';
      const destination = new Writable({
        write(chunk: Buffer, _encoding, done) {
          text += chunk.toString();
          done();
        },
      });
      openLog({ level: 'info', format }, destination, terminal).info('hello');
      return text;
    };
    expect(JSON.parse(written('auto', false))).toMatchObject({ msg: 'hello' });
    expect(JSON.parse(written('json', true))).toMatchObject({ msg: 'hello' });
    expect(() => JSON.parse(written('auto', true))).toThrow();
    expect(written('pretty', false)).toContain('hello');
  });
});
