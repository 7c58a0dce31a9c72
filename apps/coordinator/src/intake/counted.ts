/** Passes chunks on and tells how many bytes went by. */
export async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  saw: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    saw(chunk.byteLength);
    yield chunk;
  }
}
