/** Element types a safetensors file may hold, with their size in bits. F4, F6 and friends are named so that they can be refused by name. */
export const bitsOf = {
  BOOL: 8,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  F64: 64,
  I64: 64,
  U64: 64,
} as const;

export type Dtype = keyof typeof bitsOf;

export const isDtype = (name: string): name is Dtype => Object.hasOwn(bitsOf, name);
