import { Prompt } from '@consilium/machine';

/** Questions on a terminal, one after the other over one reader; loaded only when one is asked. */
export function askingOn(input: NodeJS.ReadStream, output: NodeJS.WriteStream) {
  const prompt = new Prompt(input.setEncoding('utf8'), (text) => output.write(text));
  return (question: string, secret: boolean): Promise<string> => prompt.ask(question, secret);
}
