/** Node's Buffer as what the rest of the code knows: its `slice` shares memory where a Uint8Array's copies. */
export const plainBytes = ({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
