import { type Fault, utf8 } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { parseLabels } from './labels.js';

const classes = ['benign', 'malignant'] as const;
const parse = (text: string) => parseLabels(utf8(text), classes);
const header = 'file,patient,label,split\n';
const refusal = (text: string): Fault => {
  try {
    parse(text);
  } catch (error) {
    return error as Fault;
  }
  throw new Error('accepted');
};

describe('labels.csv', () => {
  it('gives each file its patient, label and split, with its row as a spreadsheet counts', () => {
    expect(parse(`${header}a.dcm,P1,malignant,train\nb/c.dcm,P2,benign,test\n`)).toEqual([
      { row: 2, file: 'a.dcm', patient: 'P1', label: 1, split: 'train' },
      { row: 3, file: 'b/c.dcm', patient: 'P2', label: 0, split: 'test' },
    ]);
  });

  it('may have its columns in any order', () => {
    expect(parse('split,label,file,patient\ntest,benign,a.dcm,P1\n')).toEqual([
      { row: 2, file: 'a.dcm', patient: 'P1', label: 0, split: 'test' },
    ]);
  });

  it.each([
    'file,patient,label\n',
    'file,patient,label,split,age\n',
    'file,file,label,split\n',
    'File,patient,label,split\n',
    '\n',
    '',
  ])('is refused with other columns: %j', (text) => {
    const fault = refusal(`${text}a,b,benign,test`);
    expect(fault.code).toBe('DATA_LABELS_INVALID');
    expect(fault.facts['row']).toBe(1);
  });

  it.each([
    ['too few fields', 'a.dcm,P1,benign'],
    ['no file', ',P1,benign,test'],
    ['no patient', 'a.dcm,,benign,test'],
    ['another split', 'a.dcm,P1,benign,validation'],
  ])('is refused for %s', (_, row) => {
    const fault = refusal(`${header}x.dcm,P0,benign,train\n${row}\n`);
    expect(fault.code).toBe('DATA_LABELS_INVALID');
    expect(fault.facts['row']).toBe(3);
  });

  it('is refused when a file stands in it twice', () => {
    expect(refusal(`${header}a.dcm,P1,benign,test\na.dcm,P1,malignant,test\n`).code).toBe('DATA_LABELS_INVALID');
  });

  it('is refused for a label that the plan does not know', () => {
    const fault = refusal(`${header}a.dcm,P1,Malignant,test\n`);
    expect([fault.code, fault.facts]).toEqual(['DATA_LABEL_UNKNOWN', { row: 2 }]);
  });

  it('is refused when a patient stands in both splits, naming both rows and nobody', () => {
    const fault = refusal(`${header}a.dcm,CANARY,benign,train\nb.dcm,P2,benign,test\nc.dcm,CANARY,benign,test\n`);
    expect([fault.code, fault.facts]).toEqual(['DATA_PATIENT_IN_TWO_SPLITS', { row: 4, otherRow: 2 }]);
    expect(fault.message).not.toContain('CANARY');
  });

  it('may show a patient several times in one split', () => {
    expect(parse(`${header}a.dcm,P1,benign,train\nb.dcm,P1,malignant,train\n`)).toHaveLength(2);
  });

  it('may have one class only', () => {
    expect(parse(`${header}a.dcm,P1,benign,train\n`)).toHaveLength(1);
  });

  it('without any row is an empty site', () => {
    expect(refusal(header).code).toBe('DATA_EMPTY');
  });
});
