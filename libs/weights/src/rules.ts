import { Fault, type Facts } from '@consilium/stdx';

/**
 * The rules of the safetensors format (README and `Metadata::validate` of huggingface/safetensors) and our narrower
 * ones, each with the sentence that a refusal shows. A refusal tells positions and numbers of the file, never its
 * texts, since those are a stranger's.
 */
export const RULES = {
  lengthPrefix: 'a file begins with the length of its header in 8 bytes',
  headerLimit: 'the header is not longer than the limit',
  headerInside: 'the header ends inside the file',
  headerBrace: 'the header begins with {',
  headerUtf8: 'the header is UTF-8',
  headerJson: 'the header is JSON made of objects, lists, strings and unsigned whole numbers',
  headerNesting: 'the header is not nested deeper than a tensor’s shape',
  headerTrailing: 'nothing but white space follows the header’s object',
  uniqueKeys: 'no key stands twice in one object',
  metadataForm: '__metadata__ maps strings to strings',
  tensorName: 'a tensor’s name is non-empty and well-formed Unicode',
  tensorForm: 'a tensor has exactly dtype, shape and data_offsets',
  dtypeKnown: 'the dtype is one of the format’s',
  dtypeSupported: 'only F32 tensors become weights',
  shapeForm: 'the shape is a list of unsigned whole numbers with a countable product',
  offsetsForm: 'data_offsets is a pair of unsigned whole numbers, begin first',
  dataInside: 'a tensor’s data ends inside the file',
  dataSize: 'a tensor has as many bytes as its shape and dtype say',
  dataOverlap: 'no two tensors share bytes',
  dataHole: 'no bytes lie unused before or between tensors',
  dataCovered: 'the tensors use the file to its last byte',
} as const;

export type Rule = keyof typeof RULES;

/** A refusal: SAFETENSORS_MALFORMED with the rule's sentence and the numbers that broke it. */
export const broken = (rule: Rule, facts: Facts = {}): Fault =>
  new Fault('SAFETENSORS_MALFORMED', { rule: RULES[rule], ...facts });
